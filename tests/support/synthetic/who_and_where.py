"""Reports in which whom a number is of, and where, stands far from the number (PS3.3 C.17.5, PS3.16 Annex A)."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.support.synthetic.report_catalogue import DERIVATION, FINDING, FINDINGS, GROUP, LATERALITY, LEFT, RIGHT, SITE
from tests.support.synthetic.reports import (
    FAMILY,
    Builder,
    Concept,
    code,
    coded,
    container,
    document,
    modifier,
    num,
    text,
)

KIDNEY: Concept = ("64033007", "SCT", "Kidney")
BLADDER: Concept = ("89837001", "SCT", "Urinary bladder")
NODULE: Concept = ("27925004", "SCT", "Nodule")
DIAMETER: Concept = ("81827009", "SCT", "Diameter")
ORGAN_DOSE: Concept = ("113518", "DCM", "Organ Dose")
LENGTH: Concept = ("410668003", "SCT", "Length")


def organ_doses() -> Dataset:
    """TID 10021 with 10023: organ and side stand on sections below the administration, the agent on it."""
    agent = code(("349358000", "SCT", "Radiopharmaceutical agent"), ("35321007", "SCT", "Fludeoxyglucose F^18^"))
    organs = [
        container(
            ("113517", "DCM", "Organ Dose Information"), modifier(SITE, organ), *side, num(ORGAN_DOSE, dose, "mGy")
        )
        for organ, side, dose in (
            (KIDNEY, [modifier(LATERALITY, LEFT)], "13.50"),
            (KIDNEY, [modifier(LATERALITY, RIGHT)], "12.25"),
            (BLADDER, [], "32.0"),
        )
    ]
    activity = num(("113507", "DCM", "Administered activity"), "250", "MBq")
    event = container(("113502", "DCM", "Radiopharmaceutical Administration"), agent, activity, *organs)
    title = ("113500", "DCM", "Radiopharmaceutical Radiation Dose Report")
    return document(61, FAMILY + "68", title, event, template="10021")


def patient_dose() -> Dataset:
    """TID 10030: a dose of an organ by a model, organ and side on the section around the estimate."""
    estimate = container(("113517", "DCM", "Organ Dose Information"), num(ORGAN_DOSE, "4.2", "mGy"))
    organ = container(
        ("128428", "DCM", "Radiation Dose Estimate"), modifier(SITE, KIDNEY), modifier(LATERALITY, LEFT), estimate
    )
    return document(62, FAMILY + "73", ("128401", "DCM", "Patient Radiation Dose Report"), organ, template="10030")


def twins() -> Dataset:
    """TID 5000: the fetus stands in the observation context of its section, once with an ID and once with a number."""
    which = {
        "A": text(("11951-1", "LN", "Fetus ID"), "A", rel="HAS OBS CONTEXT"),
        "2": num(("121037", "DCM", "Fetus number"), "2", "1", rel="HAS OBS CONTEXT"),
    }
    sections = [
        container(
            ("125002", "DCM", "Fetal Biometry"),
            code(("121024", "DCM", "Subject Class"), ("121026", "DCM", "Fetus"), rel="HAS OBS CONTEXT"),
            named,
            container(("125005", "DCM", "Biometry Group"), num(("11820-8", "LN", "Biparietal Diameter"), value, "mm")),
        )
        for named, value in zip(which.values(), ("71.2", "69.8"), strict=True)
    ]
    title = ("125000", "DCM", "OB-GYN Ultrasound Procedure Report")
    return document(63, FAMILY + "33", title, *sections, template="5000")


def site_on_a_section() -> Dataset:
    """TID 4100: site and side stand on a container between the finding and its number."""
    place = container(
        ("112050", "DCM", "Anatomic identifier"),
        modifier(SITE, ("45653009", "SCT", "Upper lobe of lung")),
        modifier(LATERALITY, RIGHT),
        num(DIAMETER, "8", "mm"),
        rel="HAS PROPERTIES",
    )
    finding = code(("111059", "DCM", "Single Image Finding"), NODULE, place)
    impression = container(("111034", "DCM", "Individual Impression/Recommendation"), finding)
    return document(64, FAMILY + "65", ("112000", "DCM", "Chest CAD Report"), impression, template="4100")


def vascular() -> Dataset:
    """TID 5100: the vessel on the section, its side and its part on sections within, the mode on the number."""
    velocity = num(
        ("11726-7", "LN", "Peak Systolic Velocity"),
        "0.85",
        "m/s",
        modifier(("106233006", "SCT", "Topographical modifier"), ("40415009", "SCT", "Proximal")),
        code(DERIVATION, ("373098007", "SCT", "Mean"), rel="HAS CONCEPT MOD"),
    )
    part = container(("121070", "DCM", "Findings"), modifier(LATERALITY, LEFT), container(GROUP, velocity))
    section = container(FINDINGS, modifier(SITE, ("69105007", "SCT", "Carotid artery")), part)
    return document(
        65, FAMILY + "33", ("125100", "DCM", "Vascular Ultrasound Procedure Report"), section, template="5100"
    )


def ophthalmology() -> Dataset:
    """TID 2100: each eye a section, the number two levels below."""
    eyes = [
        container(
            FINDINGS,
            modifier(SITE, ("81745001", "SCT", "Eye")),
            modifier(LATERALITY, side),
            container(GROUP, container(GROUP, num(("410669006", "SCT", "Thickness"), value, "um"))),
        )
        for side, value in ((RIGHT, "251.0"), (LEFT, "249.5"))
    ]
    return document(
        66, FAMILY + "33", ("111680", "DCM", "Macular Grid Thickness and Volume Report"), *eyes, template="2100"
    )


def two_nodules() -> Dataset:
    """Two findings of one kind in one section: their numbers are of two things."""
    findings = [code(FINDING, NODULE, num(DIAMETER, value, "mm", rel="HAS PROPERTIES")) for value in ("5", "9")]
    return document(67, FAMILY + "33", ("121144", "DCM", "Document Title"), container(FINDINGS, *findings))


def qualified() -> Dataset:
    """A number beyond the scale with its qualifier, its normal range and its deviation (PS3.16 TID 310, 311)."""
    measured = num(
        LENGTH,
        "25.40",
        "mm",
        num(("386136009", "SCT", "Standard Deviation"), "0.10", "mm", rel="HAS PROPERTIES"),
        num(("111566", "DCM", "Normal range upper limit"), "560.0", "mm", rel="HAS PROPERTIES"),
    )
    beyond = ("114010", "DCM", "Value out of range")
    measured.NumericValueQualifierCodeSequence = Sequence([coded(beyond)])
    return document(68, FAMILY + "33", ("121144", "DCM", "Document Title"), container(FINDINGS, measured))


WHO_AND_WHERE: dict[str, Builder] = {
    made.__name__: made
    for made in (
        organ_doses,
        patient_dose,
        twins,
        site_on_a_section,
        vascular,
        ophthalmology,
        two_nodules,
        qualified,
    )
}
