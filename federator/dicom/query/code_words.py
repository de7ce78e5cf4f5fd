"""Words that people write for coded values: `MRI` for MR, `female` for F. Pure.

A word is read as its code only where the standard's meaning is beyond doubt; the word itself is asked for as well,
because some archives hold it in place of the code. What is only likely is a hint (`hints.py`), never a reading.

Standard: PS3.3 §C.7.1.1 (sex), §C.7.3.1.1.1 (modality), PS3.16 Annex L (body parts)
"""

import re
import unicodedata
from functools import cache

MODALITY_KEYWORDS = frozenset({"Modality", "ModalitiesInStudy"})
SEXES = frozenset("MFO")
SIDES = frozenset("LRBU")

_MODALITY_WORDS = {
    "MR": "MRI MRT MRA FMRI NMR IRM RMN MAGNETICRESONANCE MAGNETICRESONANCEIMAGING MAGNETRESONANZ KERNSPIN "
    "KERNSPINTOMOGRAPHIE MAGNETRESONANZTOMOGRAPHIE",
    "CT": "CAT CATSCAN CTSCAN CTA CBCT TAC TDM COMPUTEDTOMOGRAPHY COMPUTERTOMOGRAPHY COMPUTERTOMOGRAPHIE",
    "CR,DX": "XRAY XR RX RADIOGRAPH RADIOGRAPHY RADIOGRAPHS PLAINFILM PLAINRADIOGRAPH PROJECTIONRADIOGRAPHY RONTGEN "
    "RONTGENBILD ROENTGEN RADIOGRAPHIE RADIOGRAFIA",
    "US": "ULTRASOUND ULTRASONOGRAPHY ULTRASONIC SONO SONOGRAPHY SONOGRAPHIE SONOGRAM ULTRASCHALL ECHO ECHOGRAPHY "
    "ECHOCARDIOGRAPHY ECHOCARDIOGRAM ECHOGRAPHIE USG ECOGRAFIA DOPPLER",
    "PT": "PET PETCT PETSCAN PETMR PETMRI POSITRONEMISSIONTOMOGRAPHY POSITRONENEMISSIONSTOMOGRAPHIE",
    "NM": "NUCLEAR NUCLEARMEDICINE NUKLEARMEDIZIN SPECT SPECTCT SCINTIGRAPHY SCINTIGRAM SZINTIGRAPHIE SZINTIGRAFIE",
    "MG": "MAMMO MAMMOGRAM MAMMOGRAPHY MAMMOGRAPHIE MAMMOGRAFIA TOMOSYNTHESIS DBT",
    "XA": "ANGIO ANGIOGRAM ANGIOGRAPHY ANGIOGRAPHIE DSA CATHLAB XRAYANGIOGRAPHY CORONARYANGIOGRAPHY",
    "RF": "FLUORO FLUOROSCOPY RADIOFLUOROSCOPY DURCHLEUCHTUNG",
    "ES": "ENDOSCOPY ENDOSKOPIE GASTROSCOPY COLONOSCOPY",
    "BMD": "DEXA DXA BONEDENSITY BONEDENSITOMETRY DENSITOMETRY OSTEODENSITOMETRIE",
    "ECG": "EKG ELECTROCARDIOGRAM ELECTROCARDIOGRAPHY ELEKTROKARDIOGRAMM",
    "OPT": "OCT OPTICALCOHERENCETOMOGRAPHY",
    "OP": "FUNDUS FUNDUSPHOTOGRAPHY",
    "PX": "PANORAMIC PANOREX ORTHOPANTOMOGRAM OPG",
    "SM": "WSI SLIDEMICROSCOPY WHOLESLIDE WHOLESLIDEIMAGING",
    "SR": "STRUCTUREDREPORT STRUCTUREDREPORTS",
    "SEG": "SEGMENTATION SEGMENTATIONS",
}
_SEX_WORDS = {
    "F": "FEMALE WOMAN WOMEN GIRL WEIBLICH W FRAU FEMME FEMININ FEMININO FEMENINO FEMMINA MUJER",
    "M": "MALE MAN MEN BOY MANNLICH MAENNLICH MANN HOMME MASCULIN MASCULINO MASCHIO HOMBRE",
    "O": "OTHER DIVERS DIVERSE NONBINARY INTERSEX",
}
_SIDE_WORDS = {
    "L": "LEFT LINKS LI GAUCHE IZQUIERDA SINISTRA",
    "R": "RIGHT RECHTS RE DROITE DERECHA DESTRA",
    "B": "BOTH BILATERAL BEIDSEITS",
    "U": "UNPAIRED",
}
_YES_NO_WORDS = {"YES": "TRUE Y 1 JA OUI SI", "NO": "FALSE N 0 NEIN NON"}
_YES_NO_KEYWORDS = ("PatientIdentityRemoved", "SmokingStatus", "BurnedInAnnotation")
_WORDS = (
    dict.fromkeys(MODALITY_KEYWORDS, _MODALITY_WORDS)
    | {"PatientSex": _SEX_WORDS}
    | dict.fromkeys(("Laterality", "ImageLaterality"), _SIDE_WORDS)
    | dict.fromkeys(_YES_NO_KEYWORDS, _YES_NO_WORDS)
)

MODALITIES = frozenset(
    """
    ANN AR ASMT AU BDUS BI BMD CD CF CFM CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS DX EC ECG EEG EMG EOG EPS ES
    FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV
    OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV
    SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF VL XA XAPROTOCOL XC
    """.split()  # noqa: SIM905 - a list of so many strings is unreadable
)
"""The defined terms of Modality, retired ones included."""

_BODY_PARTS = {
    "CHEST": "THORAX LUNG LUNGS LUNGE BRUST BRUSTKORB THORACIC POUMON TORAX PULMONARY",
    "ABDOMEN": "BAUCH BELLY ABDOMINAL STOMACH LIVER LEBER VENTRE",
    "HEAD": "KOPF TETE CABEZA CRANIUM",
    "BRAIN": "HIRN GEHIRN CEREBRAL CEREBRUM CERVEAU CEREBRO",
    "SKULL": "SCHADEL SCHAEDEL CRANE",
    "NECK": "HALS COU CUELLO",
    "PELVIS": "BECKEN BASSIN",
    "SPINE": "WIRBELSAULE WIRBELSAEULE BACK RUCKEN VERTEBRAL",
    "CSPINE": "HWS CERVICALSPINE",
    "TSPINE": "BWS THORACICSPINE",
    "LSPINE": "LWS LUMBARSPINE LUMBAR",
    "BREAST": "BREASTS MAMMA MAMMAE",
    "KNEE": "KNIE GENOU",
    "HIP": "HUFTE HUEFTE HANCHE",
    "SHOULDER": "SCHULTER EPAULE",
    "HAND": "MAIN MANO HANDS",
    "FOOT": "FUSS FEET PIED",
    "HEART": "HERZ CARDIAC CARDIO COEUR",
}
BODY_PARTS = frozenset(_BODY_PARTS) | frozenset(
    """
    ADRENAL ANKLE AORTA ARM AXILLA BILEDUCT BLADDER BRONCHUS CALCANEUS CAROTID CLAVICLE COCCYX COLON CORNEA CORONARY
    CTSPINE EAR ELBOW ESOPHAGUS EXTREMITY EYE FACE FEMUR FIBULA FINGER FOREARM GALLBLADDER HUMERUS IAC ILIUM JAW
    JEJUNUM KIDNEY LARYNX LEG LLEG LLSPINE LSSPINE MAXILLA MANDIBLE MEDIASTINUM MOUTH NOSE ORBIT OVARY PANCREAS
    PAROTID PATELLA PENIS PHARYNX PROSTATE RADIUS RECTUM RIB SACRUM SCALP SCAPULA SCLERA SCROTUM SELLA SIJOINT
    SINUS SPLEEN SSPINE STERNUM TESTIS THIGH THUMB THYMUS THYROID TIBIA TLSPINE TMJ TOE TONGUE TRACHEA ULNA URETER
    URETHRA UTERUS VAGINA VULVA WHOLEBODY WRIST ZYGOMA
    """.split()  # noqa: SIM905 - a list of so many strings is unreadable
)


_LIST = re.compile(r"[\\,;|/&+\s]+")


def plain(word: str) -> str:
    """A word as it is looked up: capitals without marks, blanks and hyphens; `CT scan` as what it is a scan of."""
    folded = unicodedata.normalize("NFKD", word).upper()
    return re.sub(r"[^A-Z0-9]", "", re.sub(r"\b(SCANS?|EXAMS?|EXAMINATIONS?|STUDIES|STUDY|IMAGES?)\s*$", "", folded))


def codes_for(keyword: str, word: str) -> tuple[str, ...]:
    """The codes of an attribute that a word means beyond doubt; none where it is a code itself or not such a word."""
    if keyword in MODALITY_KEYWORDS and word.upper() in MODALITIES:
        return ()
    known = _by_word(keyword)
    found = known.get(plain(word), "") or known.get(plain(word).removesuffix("S"), "")
    return tuple(code for code in found.split(",") if code and code != word.upper())


def modalities_named(written: str) -> frozenset[str]:
    """The modalities that codes and words name, in whatever list they stand; each word stands for itself as well."""
    words = [written] if codes_for("Modality", written) else _LIST.split(written)
    words = [word.strip() for word in words if word.strip()]
    return frozenset(code for word in words for code in (*codes_for("Modality", word), word.upper()))


def has_words(keyword: str) -> bool:
    """Whether the attribute has few codes, which words stand for."""
    return keyword in _WORDS


def body_part_for(word: str) -> str:
    """The body part that a word may mean; empty where none is near."""
    return next((code for code, words in _BODY_PARTS.items() if plain(word) in words.split()), "")


@cache
def _by_word(keyword: str) -> dict[str, str]:
    by_code = _WORDS.get(keyword, {})
    return {word: code for code, words in by_code.items() for word in words.split()}
