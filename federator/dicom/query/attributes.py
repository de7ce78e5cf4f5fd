"""Which attributes can be asked for at which level, and what a misspelt one may have meant.

Standard: PS3.18 Tables 10.6.1-5 and 10.6.3-3 to -5, PS3.4 §C.6
"""

import re
from functools import cache

from federator.dicom import dictionary, json
from federator.model import Level

MODALITY = "00080060"
MODALITIES_IN_STUDY = "00080061"

_STUDY = tuple(
    """
    StudyDate StudyTime AccessionNumber ModalitiesInStudy SOPClassesInStudy ReferringPhysicianName StudyDescription
    StudyInstanceUID StudyID PatientName PatientID PatientBirthDate PatientSex IssuerOfPatientID
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances ConsultingPhysicianName PhysiciansOfRecord
    NameOfPhysiciansReadingStudy AdmittingDiagnosesDescription OtherStudyNumbers RequestingPhysician
    RequestedProcedureDescription StudyComments AdmissionID TimezoneOffsetFromUTC StudyStatusID TypeOfPatientID
    PatientBirthTime OtherPatientIDs OtherPatientNames PatientBirthName PatientMotherBirthName PatientAge
    PatientSize PatientWeight PatientAddress PatientTelephoneNumbers PatientComments PatientSpeciesDescription
    PatientBreedDescription ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization EthnicGroup Occupation
    MedicalAlerts Allergies SmokingStatus PregnancyStatus LastMenstrualDate AdditionalPatientHistory
    PatientReligiousPreference MilitaryRank BranchOfService CountryOfResidence RegionOfResidence
    MedicalRecordLocator PatientIdentityRemoved NumberOfPatientRelatedStudies NumberOfPatientRelatedSeries
    NumberOfPatientRelatedInstances
    """.split()  # noqa: SIM905 - a list of ninety strings is unreadable
)

_SERIES = tuple(
    """
    Modality SeriesDescription SeriesNumber SeriesInstanceUID SeriesDate SeriesTime BodyPartExamined Laterality
    ProtocolName PerformingPhysicianName OperatorsName PatientPosition NumberOfSeriesRelatedInstances
    FrameOfReferenceUID PositionReferenceIndicator PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepID
    PerformedProcedureStepDescription Manufacturer ManufacturerModelName DeviceSerialNumber SoftwareVersions
    StationName InstitutionName InstitutionalDepartmentName InstitutionAddress CommentsOnThePerformedProcedureStep
    SynchronizationFrameOfReferenceUID
    """.split()  # noqa: SIM905 - a list of ninety strings is unreadable
)

# What people who do not speak DICOM write for a key; the answer is a suggestion and never a guess.
_EVERYDAY_WORDS = {
    "PatientName": "name patient patients patientsname patname fullname familyname lastname surname firstname "
    "givenname patientenname nachname vorname nom nombre person",
    "PatientID": "id mrn pid patid patientnumber patientno medicalrecordnumber medicalrecord hospitalnumber hospitalid "
    "identifier patientidentifier patientenid patientennummer nhsnumber",
    "IssuerOfPatientID": "issuer assigningauthority",
    "PatientBirthDate": "dob birthdate birthday birth born dateofbirth patientdob patientsbirthdate patientdateofbirth "
    "geburtsdatum geboren birthyear yearofbirth",
    "PatientSex": "sex gender patientgender patientssex geschlecht",
    "PatientAge": "age alter patientsage",
    "StudyDate": "date examdate studydatetime acquisitiondate datum untersuchungsdatum daterange from to after before "
    "since until startdate enddate datefrom dateto between year month",
    "StudyTime": "time examtime uhrzeit",
    "AccessionNumber": "accession accessionno accessionid accnum acc accno ordernumber orderid order_number",
    "ReferringPhysicianName": "physician doctor referrer referring referringphysician referringdoctor refphysician "
    "refphys refdoc arzt ueberweiser überweiser",
    "NameOfPhysiciansReadingStudy": "radiologist reader reportingphysician befunder",
    "StudyInstanceUID": "studyuid suid studyinstance studyinstanceid studyinstanceuids studyuids",
    "SeriesInstanceUID": "seriesuid seriesinstance seriesinstanceid seriesinstanceuids seriesuids",
    "SOPInstanceUID": "sopuid instanceuid imageuid objectuid sopinstance sopinstanceid sopinstanceuids instanceuids",
    "SOPClassUID": "sopclass sopclassname",
    "ModalitiesInStudy": "modalities modalität modalitaet modalitätt modalitiesinstudies modalityinstudy mods",
    "BodyPartExamined": "bodypart bodyregion region anatomy organ bodyparts körperteil koerperteil bodysite",
    "InstitutionName": "institution hospital facility site clinic krankenhaus klinik",
    "includefield": "fields include includefields select attributes columns",
    "fuzzymatching": "fuzzy fuzzymatch",
    "limit": "count max top size pagesize maxresults first rows_per_page perpage",
    "offset": "page skip start",
    "archive": "server pacs source node aet database",
}
_EVERYDAY = {word: keyword for keyword, words in _EVERYDAY_WORDS.items() for word in words.split()}
_STUDY_TEXT = (
    "description desc studydesc procedure exam examination study studyname untersuchung q query search text keyword"
)
_EVERYDAY_AT = {
    Level.STUDY: dict.fromkeys(_STUDY_TEXT.split(), "StudyDescription") | {"uid": "StudyInstanceUID"},
    Level.SERIES: {
        **dict.fromkeys("description desc seriesdesc series protocol q query search text".split(), "SeriesDescription"),  # noqa: SIM905 - as the words above
        "number": "SeriesNumber",
        "seriesno": "SeriesNumber",
        "date": "SeriesDate",
        "uid": "SeriesInstanceUID",
        "modalities": "Modality",
    },
    Level.INSTANCE: {
        "number": "InstanceNumber",
        "imagenumber": "InstanceNumber",
        "instance": "InstanceNumber",
        "slice": "InstanceNumber",
        "image": "InstanceNumber",
        "slicenumber": "InstanceNumber",
        "uid": "SOPInstanceUID",
        "date": "ContentDate",
    },
}
_ORDERS = frozenset("orderby order sort sortby sortorder orderdirection sorted".split())  # noqa: SIM905 - as the words above
_LIKENESS = 0.6


@cache
def tags_of(level: Level) -> frozenset[str]:
    """The attributes of studies (with those of their patients) or of series; those of instances are not listed."""
    keywords = {Level.STUDY: _STUDY, Level.SERIES: _SERIES, Level.INSTANCE: ()}[level]
    return frozenset(json.tag_of(keyword) for keyword in keywords)


@cache
def level_of(tag: str) -> Level:
    """The level that an attribute belongs to; everything that is neither of studies nor of series is of instances."""
    if tag in tags_of(Level.STUDY):
        return Level.STUDY
    return Level.SERIES if tag in tags_of(Level.SERIES) else Level.INSTANCE


def main_keywords(level: Level) -> list[str]:
    """The keywords that are most asked for at a level, the most important ones first."""
    return {
        Level.STUDY: [*_STUDY[9:12], "StudyDate", "ModalitiesInStudy", "StudyDescription", "AccessionNumber"],
        Level.SERIES: [*_SERIES[:4]],
        Level.INSTANCE: ["InstanceNumber", "SOPClassUID", "SOPInstanceUID", "ContentDate"],
    }[level]


def everyday_meaning(key: str, level: Level) -> str:
    """The keyword for what people who do not speak DICOM call an attribute; empty where the word is none of those."""
    return (_EVERYDAY | _EVERYDAY_AT[level]).get(_plain(key), "")


def is_order(key: str) -> bool:
    """Whether the key asks for an order."""
    return _plain(key) in _ORDERS


def means_one(key: str, level: Level) -> bool:
    """Whether a key is an attribute's name but for its delimiters (`patient.name`)."""
    return bool(everyday_meaning(key, level) or dictionary.tag_of_any_case(_plain(key)))


def _plain(key: str) -> str:
    return re.sub(r"[\W_]", "", key.lower())


def suggestion(key: str, level: Level, options: tuple[str, ...]) -> str:
    """The key that `key` was probably meant to be; empty where none is near.

    The level's own keys come first, then those of the other levels, then the whole dictionary.
    """
    import difflib

    plain = _plain(key)
    everyday = everyday_meaning(key, level)
    if everyday:
        return everyday
    own = {Level.STUDY: _STUDY, Level.SERIES: _SERIES, Level.INSTANCE: tuple(main_keywords(level))}[level]
    for known in ([*own, *options], [*_STUDY, *_SERIES], dictionary.keywords()):
        spelt = {keyword.lower(): keyword for keyword in known}
        near = difflib.get_close_matches(plain, list(spelt), n=1, cutoff=_LIKENESS + 0.15)
        if near:
            return _spelling(spelt[near[0]])
    return ""


def _spelling(keyword: str) -> str:
    tag = dictionary.tag_of_any_case(keyword)
    return json.keyword_of(tag) if tag else keyword
