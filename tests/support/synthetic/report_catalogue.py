"""One made-up report of every kind that archives hold, by name; built with the words of `synthetic_reports`."""

from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.support.synthetic.reports import (
    CT_IMAGE,
    FAMILY,
    MG_IMAGE,
    ROOT,
    Builder,
    Concept,
    code,
    coded,
    container,
    document,
    evidence,
    image,
    item,
    modifier,
    no_number,
    num,
    points,
    see,
    text,
    uidref,
    verified,
)

FINDINGS: Concept = ("121070", "DCM", "Findings")
FINDING: Concept = ("121071", "DCM", "Finding")
IMPRESSIONS: Concept = ("121072", "DCM", "Impressions")
IMPRESSION: Concept = ("121073", "DCM", "Impression")
LANGUAGE: Concept = ("121049", "DCM", "Language of Content Item and Descendants")
ENGLISH: Concept = ("en", "RFC5646", "English")
OBSERVER_NAME: Concept = ("121008", "DCM", "Person Observer Name")
OBSERVER_TYPE: Concept = ("121005", "DCM", "Observer Type")
PERSON: Concept = ("121006", "DCM", "Person")
SITE: Concept = ("363698007", "SCT", "Finding Site")
OLD_SITE: Concept = ("G-C0E3", "SRT", "Finding Site")
LATERALITY: Concept = ("272741003", "SCT", "Laterality")
LEFT: Concept = ("7771000", "SCT", "Left")
RIGHT: Concept = ("24028007", "SCT", "Right")
DERIVATION: Concept = ("121401", "DCM", "Derivation")
MEAN: Concept = ("373098007", "SCT", "Mean")
METHOD: Concept = ("370129005", "SCT", "Measurement Method")
DIAMETER: Concept = ("81827009", "SCT", "Diameter")
LENGTH: Concept = ("410668003", "SCT", "Length")
SOURCE: Concept = ("121112", "DCM", "Source of Measurement")
GROUP: Concept = ("125007", "DCM", "Measurement Group")


def observer() -> list[Dataset]:
    return [
        code(OBSERVER_TYPE, PERSON, rel="HAS OBS CONTEXT"),
        item("PNAME", OBSERVER_NAME, rel="HAS OBS CONTEXT", PersonName="Obs^Erver"),
    ]


def basic_text() -> Dataset:
    return document(
        1,
        FAMILY + "11",
        ("18748-4", "LN", "Diagnostic Imaging Report"),
        modifier(LANGUAGE, ENGLISH),
        *observer(),
        container(("121060", "DCM", "History"), text(("121060", "DCM", "History"), "Cough for 3 weeks.\r\nSmoker.")),
        container(FINDINGS, text(FINDING, "Nodule in the right upper lobe, 8 x 6 mm."), text(FINDING, "No effusion.")),
        container(
            IMPRESSIONS,
            text(IMPRESSION, "Follow up in 3 months.", image(f"{ROOT}.5.1", rel="INFERRED FROM")),
        ),
        template="2000",
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.1")),
        **verified(),
    )


def enhanced() -> Dataset:
    region = points(
        ("111030", "DCM", "Image Region"),
        "POLYLINE",
        [10.5, 20.0, 30.0, 40.25],
        image(f"{ROOT}.5.2", rel="SELECTED FROM", frames=(3, 4)),
        rel="INFERRED FROM",
    )
    size = num(DIAMETER, "8.25", "mm", modifier(DERIVATION, MEAN), region, rel="INFERRED FROM")
    return document(
        2,
        FAMILY + "22",
        ("18782-3", "LN", "Radiology Study observation"),
        *observer(),
        container(FINDINGS, text(FINDING, "Nodule", size), code(FINDING, ("27925004", "SCT", "Nodule"))),
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.2")),
    )


def every_value_type() -> Dataset:
    concept: Concept = ("121071", "DCM", "Finding")
    wave = image(f"{ROOT}.5.9", sop_class="1.2.840.10008.5.1.4.1.1.9.1.1", value_type="WAVEFORM", rel="CONTAINS")
    wave.ReferencedSOPSequence[0].ReferencedWaveformChannels = [1, 2]
    return document(
        3,
        FAMILY + "34",
        ("121144", "DCM", "Document Title"),
        *observer(),
        container(
            FINDINGS,
            text(concept, "plain text with a backslash \\ in it and ümläuts"),
            code(concept, ("99A", "99LOCAL", "Local finding"), modifier(LATERALITY, LEFT)),
            num(DIAMETER, "-1.5e-3", "cm"),
            item("DATE", ("111060", "DCM", "Study Date"), Date="20231224"),
            item("TIME", ("111061", "DCM", "Study Time"), Time="235959.5"),
            item("DATETIME", ("111526", "DCM", "DateTime Started"), DateTime="20231224235959+0100"),
            item("PNAME", ("121036", "DCM", "Mother of fetus"), PersonName="Doe^Jane^^Dr"),
            uidref(("121018", "DCM", "Procedure Study Instance UID"), f"{ROOT}.77"),
            image(f"{ROOT}.5.1", frames=(1, 7)),
            image(f"{ROOT}.5.4", sop_class=FAMILY + "11", value_type="COMPOSITE"),
            wave,
            points(("111010", "DCM", "Center"), "POINT", [1.5, 2.5], image(f"{ROOT}.5.1", rel="SELECTED FROM")),
            item(
                "SCOORD3D",
                ("111030", "DCM", "Image Region"),
                GraphicType="POINT",
                GraphicData=[1.0, -2.0, 3.5],
                ReferencedFrameOfReferenceUID=f"{ROOT}.6",
            ),
            item(
                "TCOORD",
                ("122340", "DCM", "Fiducial feature"),
                wave_source(),
                TemporalRangeType="SEGMENT",
                ReferencedTimeOffsets=["1", "2.5"],
            ),
            continuous(),
        ),
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.1")),
    )


def wave_source() -> Dataset:
    return image(f"{ROOT}.5.9", sop_class="1.2.840.10008.5.1.4.1.1.9.1.1", value_type="WAVEFORM", rel="SELECTED FROM")


def continuous() -> Dataset:
    return container(
        FINDINGS,
        text(FINDING, "A mass of"),
        num(DIAMETER, "3", "cm"),
        text(FINDING, "was detected."),
        continuity="CONTINUOUS",
    )


def measurement_report() -> Dataset:
    """TID 1500 by hand: two lesions, a shared section, a number outside any group, old SNOMED codes in one."""

    def lesion(
        name: str, site: Concept, side: Concept, values: tuple[str, str], frame: int, site_name: Concept
    ) -> Dataset:
        source = image(f"{ROOT}.5.{frame}", concept=SOURCE, rel="INFERRED FROM", frames=(frame,))
        return container(
            GROUP,
            text(("112039", "DCM", "Tracking Identifier"), name, rel="HAS OBS CONTEXT"),
            uidref(("112040", "DCM", "Tracking Unique Identifier"), f"{ROOT}.8.{frame}", rel="HAS OBS CONTEXT"),
            code(FINDING, ("27925004", "SCT", "Nodule")),
            code(site_name, site, modifier(LATERALITY, side), rel="HAS CONCEPT MOD"),
            num(("103339001", "SCT", "Long axis"), values[0], "mm", modifier(DERIVATION, MEAN), source),
            num(("103340004", "SCT", "Short axis"), values[1], "mm"),
            code(("RID1", "99RAD", "Margin"), ("129742005", "SCT", "Spiculated")),
        )

    return document(
        4,
        FAMILY + "34",
        ("126000", "DCM", "Imaging Measurement Report"),
        modifier(LANGUAGE, ENGLISH),
        *observer(),
        code(
            ("121058", "DCM", "Procedure reported"),
            ("25045-6", "LN", "CT unspecified body region"),
            rel="HAS CONCEPT MOD",
        ),
        container(
            ("126010", "DCM", "Imaging Measurements"),
            lesion("Lesion 1", ("45653009", "SCT", "Upper lobe of lung"), RIGHT, ("12.30", "8.1"), 11, SITE),
            lesion("Lesion 2", ("T-28820", "SRT", "Upper lobe of lung"), LEFT, ("7", "5.55"), 12, OLD_SITE),
        ),
        container(
            ("126011", "DCM", "Derived Imaging Measurements"), num(("118565006", "SCT", "Volume"), "1234.5", "mm3")
        ),
        template="1500",
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.11"), (CT_IMAGE, f"{ROOT}.5.12")),
    )


def key_objects() -> Dataset:
    return document(
        5,
        FAMILY + "59",
        ("113000", "DCM", "Of Interest"),
        code(OBSERVER_TYPE, PERSON, rel="HAS OBS CONTEXT"),
        item("PNAME", OBSERVER_NAME, rel="HAS OBS CONTEXT", PersonName="Obs^Erver"),
        text(("113012", "DCM", "Key Object Description"), "Please look at these for the meeting."),
        image(f"{ROOT}.5.1"),
        image(f"{ROOT}.5.2", frames=(2,)),
        template="2010",
        Modality="KO",
        CompletionFlag=None,
        VerificationFlag=None,
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.1"), (CT_IMAGE, f"{ROOT}.5.2")),
    )


def ct_dose() -> Dataset:
    def acquisition(
        number: int, protocol: str, region: Concept, dose: tuple[str, str], kvp: tuple[str, ...]
    ) -> Dataset:
        sources = [
            container(
                ("113831", "DCM", "CT X-Ray Source Parameters"),
                text(("113832", "DCM", "Identification of the X-Ray Source"), chr(ord("A") + at)),
                num(("113733", "DCM", "KVP"), value, "kV"),
            )
            for at, value in enumerate(kvp)
        ]
        return container(
            ("113819", "DCM", "CT Acquisition"),
            text(("125203", "DCM", "Acquisition Protocol"), protocol),
            code(("123014", "DCM", "Target Region"), region),
            code(("113820", "DCM", "CT Acquisition Type"), ("116152004", "SCT", "Spiral Acquisition")),
            uidref(("113769", "DCM", "Irradiation Event UID"), f"{ROOT}.9.{number}"),
            container(
                ("113822", "DCM", "CT Acquisition Parameters"),
                num(("113824", "DCM", "Exposure Time"), "5.3", "s"),
                num(("113825", "DCM", "Scanning Length"), "350", "mm"),
                *sources,
            ),
            container(
                ("113829", "DCM", "CT Dose"),
                num(("113830", "DCM", "Mean CTDIvol"), dose[0], "mGy"),
                code(("113835", "DCM", "CTDIw Phantom Type"), ("113691", "DCM", "IEC Body Dosimetry Phantom")),
                num(("113838", "DCM", "DLP"), dose[1], "mGy.cm"),
            ),
        )

    return document(
        6,
        FAMILY + "67",
        ("113701", "DCM", "X-Ray Radiation Dose Report"),
        modifier(("121058", "DCM", "Procedure reported"), ("77477000", "SCT", "Computed Tomography X-Ray")),
        code(
            ("113876", "DCM", "Device Role in Procedure"),
            ("113859", "DCM", "Irradiating Device"),
            rel="HAS OBS CONTEXT",
        ),
        container(
            ("113811", "DCM", "CT Accumulated Dose Data"),
            num(("113812", "DCM", "Total Number of Irradiation Events"), "2", ("{events}", "UCUM", "events")),
            num(("113813", "DCM", "CT Dose Length Product Total"), "512.40", "mGy.cm"),
        ),
        acquisition(1, "Chest routine", ("51185008", "SCT", "Chest"), ("8.20", "300.10"), ("120",)),
        acquisition(2, "Abdomen dual energy", ("818981001", "SCT", "Abdomen"), ("9.10", "212.30"), ("80", "140")),
        template="10011",
    )


def projection_dose() -> Dataset:
    plane: Concept = ("113764", "DCM", "Acquisition Plane")
    single: Concept = ("113622", "DCM", "Single Plane")

    def event(number: int, dap: str) -> Dataset:
        return container(
            ("113706", "DCM", "Irradiation Event X-Ray Data"),
            modifier(plane, single),
            uidref(("113769", "DCM", "Irradiation Event UID"), f"{ROOT}.10.{number}"),
            item("DATETIME", ("111526", "DCM", "DateTime Started"), DateTime=f"2024013109150{number}"),
            code(("113721", "DCM", "Irradiation Event Type"), ("113611", "DCM", "Stationary Acquisition")),
            num(("122130", "DCM", "Dose Area Product"), dap, "Gy.m2"),
            num(("113733", "DCM", "KVP"), "70", "kV"),
            container(
                ("113771", "DCM", "X-Ray Filters"),
                num(("113758", "DCM", "X-Ray Filter Thickness Maximum"), "0.1", "mm"),
            ),
        )

    return document(
        7,
        FAMILY + "67",
        ("113701", "DCM", "X-Ray Radiation Dose Report"),
        modifier(("121058", "DCM", "Procedure reported"), ("113704", "DCM", "Projection X-Ray")),
        container(
            ("113702", "DCM", "Accumulated X-Ray Dose Data"),
            modifier(plane, single),
            num(("113722", "DCM", "Dose Area Product Total"), "0.00011", "Gy.m2"),
        ),
        event(1, "0.00005"),
        event(2, "0.00006"),
        template="10001",
    )


def echo() -> Dataset:
    mode: Concept = ("G-0373", "SRT", "Image Mode")
    return document(
        8,
        FAMILY + "33",
        ("125200", "DCM", "Adult Echocardiography Procedure Report"),
        modifier(LANGUAGE, ENGLISH),
        *observer(),
        container(
            FINDINGS,
            modifier(OLD_SITE, ("T-32600", "SRT", "Left Ventricle")),
            container(
                GROUP,
                modifier(mode, ("G-03A2", "SRT", "2D mode")),
                num(
                    ("29436-3", "LN", "Left Ventricle Internal End Diastolic Dimension"),
                    "4.7",
                    "cm",
                    modifier(("G-C036", "SRT", "Measurement Method"), ("125207", "DCM", "Method of Disks, Biplane")),
                ),
                num(
                    ("18043-0", "LN", "Left Ventricular Ejection Fraction by US"),
                    "61",
                    "%",
                    modifier(DERIVATION, ("R-00317", "SRT", "Mean")),
                ),
            ),
            container(
                GROUP,
                modifier(mode, ("G-0394", "SRT", "M mode")),
                num(("29438-9", "LN", "Left Ventricle Internal Systolic Dimension"), "3.1", "cm"),
            ),
        ),
        container(
            FINDINGS,
            modifier(OLD_SITE, ("T-35400", "SRT", "Aortic Valve")),
            container(
                GROUP,
                modifier(mode, ("R-409E4", "SRT", "Doppler Continuous Wave")),
                num(
                    ("11726-7", "LN", "Peak Velocity"),
                    "1.32",
                    "m/s",
                    modifier(("G-C048", "SRT", "Flow Direction"), ("R-42047", "SRT", "Antegrade Flow")),
                ),
            ),
        ),
        template="5200",
    )


def mammography_cad() -> Dataset:
    def view(uid: str, side: Concept) -> Dataset:
        return image(
            uid,
            code(("111027", "DCM", "Image Laterality"), side, rel="HAS ACQ CONTEXT"),
            code(("111031", "DCM", "Image View"), ("399162004", "SCT", "cranio-caudal"), rel="HAS ACQ CONTEXT"),
            sop_class=MG_IMAGE,
        )

    def finding(target: int, certainty: str, probability: str, place: list[float]) -> Dataset:
        center = points(
            ("111010", "DCM", "Center"), "POINT", place, see(1, 2, target, rel="SELECTED FROM"), rel="HAS PROPERTIES"
        )
        return code(
            ("111059", "DCM", "Single Image Finding"),
            ("129793001", "SCT", "Mammographic breast density"),
            modifier(("111056", "DCM", "Rendering Intent"), ("111150", "DCM", "Presentation Required")),
            num(("111012", "DCM", "Certainty of Finding"), certainty, "%", rel="HAS PROPERTIES"),
            num(("111047", "DCM", "Probability of cancer"), probability, "%", rel="HAS PROPERTIES"),
            center,
            rel="INFERRED FROM",
        )

    composite = code(
        ("111015", "DCM", "Composite Feature"),
        ("129769006", "SCT", "Mass"),
        num(("111012", "DCM", "Certainty of Finding"), "77", "%", rel="HAS PROPERTIES"),
        finding(1, "81", "12.5", [100.0, 200.0]),
        finding(2, "64", "9.5", [110.0, 210.0]),
    )
    return document(
        9,
        FAMILY + "50",
        ("111036", "DCM", "Mammography CAD Report"),
        modifier(LANGUAGE, ENGLISH),
        container(("111028", "DCM", "Image Library"), view(f"{ROOT}.5.21", RIGHT), view(f"{ROOT}.5.22", LEFT)),
        code(
            ("111017", "DCM", "CAD Processing and Findings Summary"),
            ("111242", "DCM", "All algorithms succeeded; with findings"),
            container(("111034", "DCM", "Individual Impression/Recommendation"), composite, rel="INFERRED FROM"),
        ),
        template="4000",
    )


def chest_cad() -> Dataset:
    finding = code(
        ("111059", "DCM", "Single Image Finding"),
        ("27925004", "SCT", "Nodule"),
        modifier(SITE, ("45653009", "SCT", "Upper lobe of lung"), modifier(LATERALITY, RIGHT)),
        num(DIAMETER, "8.4", "mm", rel="HAS PROPERTIES"),
        points(
            ("111010", "DCM", "Center"),
            "POINT",
            [55.0, 66.0],
            image(f"{ROOT}.5.31", rel="SELECTED FROM"),
            rel="HAS PROPERTIES",
        ),
    )
    return document(
        10,
        FAMILY + "65",
        ("112000", "DCM", "Chest CAD Report"),
        code(
            ("111017", "DCM", "CAD Processing and Findings Summary"),
            ("111242", "DCM", "All algorithms succeeded; with findings"),
            container(("111034", "DCM", "Individual Impression/Recommendation"), finding, rel="INFERRED FROM"),
        ),
        template="4100",
    )


def procedure_log() -> Dataset:
    """TID 3001: what was done, each with its own time."""
    entries = [
        text(("121173", "DCM", "Drug administered"), "Contrast, 20 ml"),
        num(("122130", "DCM", "Dose Area Product"), "12.5", "Gy.cm2"),
        code(
            ("121120", "DCM", "Cardiac catheterization procedure phase"),
            ("109080", "DCM", "Catheterization Procedure Phase"),
        ),
    ]
    for number, entry in enumerate(entries, start=1):
        entry.ObservationDateTime = f"2024013109150{number}"
    return document(
        11,
        FAMILY + "40",
        ("121145", "DCM", "Procedure Log"),
        *observer(),
        *entries,
        PatientID="P-77",
        Modality="SR",
        template="3001",
    )


def deep() -> Dataset:
    inner = text(FINDING, "at the bottom")
    for level in range(30, 0, -1):
        concept: Concept = (f"L{level}", "99LEVEL", f"Level {level}")
        inner = container(concept, text(FINDING, f"on level {level}"), inner)
    return document(12, FAMILY + "33", ("121144", "DCM", "Document Title"), inner)


def unmeasured() -> Dataset:
    """Numbers without a value, without a unit's meaning, with a private unit, and a preliminary, partial report."""
    return document(
        13,
        FAMILY + "33",
        ("18748-4", "LN", "Diagnostic Imaging Report"),
        container(
            FINDINGS,
            no_number(DIAMETER, ("114000", "DCM", "Not a number"), modifier(LATERALITY, LEFT)),
            num(LENGTH, "4.50", ("cm", "99UNITS", "Private length unit")),
            num(("99R", "99LOCAL", "Ratio"), "0.8", "1"),
            num(("112031", "DCM", "Attenuation Coefficient"), "-40", "[hnsf'U]"),
        ),
        CompletionFlag="PARTIAL",
        PreliminaryFlag="PRELIMINARY",
    )


def by_reference() -> Dataset:
    return document(
        14,
        FAMILY + "33",
        ("121144", "DCM", "Document Title"),
        container(
            FINDINGS,
            num(
                DIAMETER,
                "14",
                "mm",
                points(
                    None, "CIRCLE", [1.0, 2.0, 3.0, 4.0], image(f"{ROOT}.5.1", rel="SELECTED FROM"), rel="INFERRED FROM"
                ),
            ),
        ),
        container(IMPRESSIONS, text(IMPRESSION, "Grown since the prior.", see(1, 1, 1))),
        CurrentRequestedProcedureEvidenceSequence=evidence((CT_IMAGE, f"{ROOT}.5.1")),
    )


def simplified_echo() -> Dataset:
    return document(
        15,
        FAMILY + "72",
        ("125200", "DCM", "Adult Echocardiography Procedure Report"),
        modifier(LANGUAGE, ENGLISH),
        *observer(),
        container(
            ("125301", "DCM", "Pre-coordinated Measurements"),
            num(
                ("80013-6", "LN", "LV Ejection Fraction"),
                "58",
                "%",
                code(
                    ("121404", "DCM", "Selection Status"),
                    ("121411", "DCM", "Most recent value chosen"),
                    rel="HAS PROPERTIES",
                ),
            ),
        ),
        container(
            ("125302", "DCM", "Post-coordinated Measurements"),
            num(
                ("125309", "DCM", "Measurement"),
                "2.2",
                "cm",
                modifier(SITE, ("113262002", "SCT", "Structure of left ventricular outflow tract")),
            ),
        ),
        template="5300",
    )


CATALOGUE: dict[str, Builder] = {
    made.__name__: made
    for made in (
        basic_text,
        enhanced,
        every_value_type,
        measurement_report,
        key_objects,
        ct_dose,
        projection_dose,
        echo,
        mammography_cad,
        chest_cad,
        procedure_log,
        deep,
        unmeasured,
        by_reference,
        simplified_echo,
    )
}
"""What DCMTK can read too; a table needs a value type that it does not know, see `table`."""


def table() -> Dataset:
    """Extensible SR with a TABLE (PS3.3 C.18.10): a numeric column, a coded one, named rows."""

    def cell(row: int, column: int, vr: str, **value: Any) -> Dataset:
        made = Dataset()
        made.TableRowNumber, made.TableColumnNumber, made.SelectorAttributeVR = row, column, vr
        for keyword, held in value.items():
            setattr(made, keyword, held)
        return made

    def heading(number_keyword: str, number: int, concept: Concept, unit: Concept | None = None) -> Dataset:
        made = Dataset()
        setattr(made, number_keyword, number)
        made.ConceptNameCodeSequence = Sequence([coded(concept)])
        if unit:
            made.MeasurementUnitsCodeSequence = Sequence([coded(unit)])
        return made

    values = Dataset()
    values.NumberOfTableRows, values.NumberOfTableColumns = 2, 2
    values.TableRowDefinitionSequence = Sequence(
        [heading("TableRowNumber", 1, ("R1", "99T", "First")), heading("TableRowNumber", 2, ("R2", "99T", "Second"))]
    )
    values.TableColumnDefinitionSequence = Sequence(
        [
            heading("TableColumnNumber", 1, LENGTH, ("mm", "UCUM", "millimeter")),
            heading("TableColumnNumber", 2, LATERALITY),
        ]
    )
    values.CellValuesSequence = Sequence(
        [
            cell(1, 1, "DS", SelectorDSValue="12.5"),
            cell(1, 2, "SQ", SelectorCodeSequenceValue=Sequence([coded(LEFT)])),
            cell(2, 1, "DS", SelectorDSValue="3"),
            cell(2, 2, "LO", SelectorLOValue="not told"),
        ]
    )
    tabulated = item("TABLE", FINDINGS, TabulatedValuesSequence=Sequence([values]))
    return document(16, FAMILY + "35", ("121144", "DCM", "Document Title"), container(FINDINGS, tabulated))
