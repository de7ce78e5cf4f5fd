"""Sample archives: folders of DICOM files with made-up patients, for the first run and for tests.

Twenty studies of twelve patients in three archives. Grace Okafor has a chain of priors over all three; Joana Silva has
one study in two archives, one copy of which is incomplete and holds the report; one study has no date; two different
patients have the same Patient ID. Every run writes the same UIDs, dates and values. All identities are made up; the
pictures are those that pydicom ships, and phantoms that are computed.
"""

from functools import partial
from pathlib import Path

from federator.demo.samples.documents import pdf_report
from federator.demo.samples.images import abdomen_phantom, chest_phantom, picture
from federator.demo.samples.reports import dose_report, measurement_report, text_report
from federator.demo.samples.study import Part, Patient, Study, write_study

_REGION = "REGION-MPI"
_OKAFOR = Patient(name="Okafor^Grace", identifier="R-48213", issuer=_REGION, born="19610314", sex="F")
_SILVA = Patient(name="Silva^Joana", identifier="R-51777", issuer=_REGION, born="19850722", sex="F")
_YAMADA = Patient(
    name="Yamada^Tarou=山田^太郎=やまだ^たろう",
    identifier="N-2207",
    born="19480105",
    sex="M",
    character_set="ISO 2022 IR 87",
)
_PAPADOPOULOS = Patient(
    name="Παπαδόπουλος^Νίκος", identifier="M-1033", born="19720930", sex="M", character_set="ISO_IR 126"
)
_MUELLER = Patient(name="Müller^Jürgen", identifier="M-1041", born="19550611", sex="M", character_set="ISO_IR 100")
_OBRIEN = Patient(name="O'Brien^Maeve", identifier="N-2219", born="19901202", sex="F")
_NGUYEN = Patient(name="Nguyễn^Thị Lan", identifier="M-1058", born="19830417", sex="F")
_HANSEN = Patient(name="Hansen^Ingrid", identifier="10007", born="19690228", sex="F")
_KOWALSKA = Patient(name="Kowalska^Zofia", identifier="10007", born="19770819", sex="F")
_ABEBE = Patient(name="Abebe^Dawit", identifier="N-2240", born="20011111", sex="M")
_SUBJECT = Patient(name="Subject^07", identifier="S-07", sex="O")
_PHANTOM = Patient(name="Phantom^QA", identifier="QA-1", sex="O")


def write_samples(root: Path) -> tuple[Path, ...]:
    """Write the archives mercy, north and research as folders below `root`; the folders in this order."""
    for study in studies():
        write_study(root / study.archive, study)
    return tuple(root / name for name in ("mercy", "north", "research"))


def studies() -> tuple[Study, ...]:
    """Every archive's copy of every study."""
    return (*_mercy(), *_north(), *_research())


def _mercy() -> tuple[Study, ...]:
    return (
        _study(
            "mercy okafor-4 20260312 091500 CHEST CT Chest",
            _OKAFOR,
            partial(chest_phantom, nodule_mm=9.4),
            _nodule_report("9", "7 mm six months ago", "The nodule has grown. PET-CT is recommended."),
            partial(measurement_report, long_axis_mm=9.4, short_axis_mm=7.1, volume_mm3=318.0),
            partial(dose_report, ctdi_vol_mgy=4.2, dlp_mgy_cm=151.0),
        ),
        _study(
            "mercy okafor-2 20241120 140210 CHEST CT Chest",
            _OKAFOR,
            partial(chest_phantom, nodule_mm=6.0),
            partial(
                pdf_report,
                title="CT Chest: report",
                lines=("Solid nodule in the right upper lobe, 6 mm (5 mm in May 2023).", "Control in 9 months."),
                with_drawing=True,
            ),
        ),
        _study("mercy silva-1 20260119 203344 ABDOMEN CT Abdomen", _SILVA, partial(abdomen_phantom, slices=16)),
        _study(
            "mercy papadopoulos-1 20251007 101010 HEART Echocardiography",
            _PAPADOPOULOS,
            partial(picture, source="examples_ybr_color.dcm", description="Parasternal long axis"),
            partial(
                text_report,
                paragraphs=(
                    "Δύσπνοια στην κόπωση.",
                    "Φυσιολογική συσταλτικότητα της αριστερής κοιλίας.",
                    "Χωρίς παθολογικά ευρήματα.",
                ),
            ),
        ),
        _study(
            "mercy mueller-2 20250630 083000 ABDOMEN CT Abdomen",
            _MUELLER,
            partial(picture, source="CT_small.dcm", description="Abdomen"),
            partial(
                pdf_report,
                title="Befund CT Abdomen",
                lines=("Patient: Jürgen Müller", "Leber und Nieren unauffällig.", "Keine freie Flüssigkeit."),
            ),
        ),
        _study(
            "mercy mueller-1 20230214 113045 ABDOMEN US Abdomen",
            _MUELLER,
            partial(picture, source="examples_palette.dcm", description="Liver"),
        ),
        _study(
            "mercy nguyen-1 20251201 154500 NECK US Thyroid",
            _NGUYEN,
            partial(picture, source="examples_rgb_color.dcm", description="Thyroid"),
            partial(
                text_report,
                paragraphs=("Palpable lump.", "Cyst of 4 mm in the left lobe.", "Benign cyst. No control needed."),
            ),
        ),
        _study(
            "mercy hansen-1 20260203 070105 HEAD CT Head",
            _HANSEN,
            partial(picture, source="CT_small.dcm", description="Head"),
            partial(dose_report, ctdi_vol_mgy=38.5, dlp_mgy_cm=640.0),
        ),
    )


def _north() -> tuple[Study, ...]:
    return (
        _study(
            "north okafor-3 20250903 160020 CHEST CT Thorax",
            _OKAFOR,
            partial(chest_phantom, nodule_mm=7.0),
            _nodule_report("7", "6 mm ten months ago", "Slow growth. Control in six months."),
        ),
        # The same study as in mercy: half of the images, and the report that mercy lacks.
        _study(
            "north silva-1 20260119 203344 ABDOMEN CT Abdomen",
            _SILVA,
            partial(abdomen_phantom, slices=9),
            partial(
                text_report,
                paragraphs=("Pain in the left flank.", "No stone. Kidneys of equal size.", "Normal examination."),
            ),
        ),
        _study(
            "north yamada-2 20260421 094500 HEAD MR Brain",
            _YAMADA,
            partial(picture, source="MR_small_RLE.dcm", description="T1 axial"),
            partial(text_report, paragraphs=("頭痛。", "脳実質に異常信号を認めない。", "異常なし。")),
        ),
        _study(
            "north yamada-1 20220809 131500 HEAD MR Brain",
            _YAMADA,
            partial(picture, source="MR_small_jpeg_ls_lossless.dcm", description="T1 axial"),
        ),
        _study(
            "north obrien-2 20251111 120000 ABDOMEN MR Liver",
            _OBRIEN,
            partial(picture, source="examples_overlay.dcm", description="Liver, marked lesion"),
            partial(
                text_report,
                paragraphs=("Lesion in ultrasound.", "Haemangioma of 22 mm in segment VII.", "Benign haemangioma."),
            ),
        ),
        _study(
            "north obrien-1 20251110 081500 HEART ECG at rest",
            _OBRIEN,
            partial(picture, source="waveform_ecg.dcm", description="12 leads"),
        ),
        _study(
            "north kowalska-1 20240506 100000 WHOLEBODY NM Bone",
            _KOWALSKA,
            partial(picture, source="JPEG2000.dcm", description="Whole body"),
        ),
        _study(
            "north abebe-1 20260502 173010 ABDOMEN US Abdomen",
            _ABEBE,
            partial(picture, source="examples_jpeg2k.dcm", description="Gallbladder"),
        ),
    )


def _research() -> tuple[Study, ...]:
    return (
        _study(
            "research okafor-1 20230502 111500 CHEST CT Chest baseline",
            _OKAFOR,
            partial(chest_phantom, nodule_mm=5.0),
            partial(measurement_report, long_axis_mm=5.0, short_axis_mm=4.2, volume_mm3=58.0),
        ),
        _study(
            "research subject-2 - - ABDOMEN Liver segmentation",
            _SUBJECT,
            partial(picture, source="liver_1frame.dcm", description="Liver"),
        ),
        _study(
            "research subject-1 20210608 090000 HEAD MR Brain",
            _SUBJECT,
            partial(picture, source="MR_small.dcm", description="T1 axial"),
        ),
        _study(
            "research phantom-2 20240115 180000 CHEST RT dose check",
            _PHANTOM,
            partial(picture, source="rtdose.dcm", description="Dose"),
        ),
        _study("research phantom-1 20240115 173000 CHEST CT Phantom", _PHANTOM, chest_phantom),
    )


def _study(told: str, patient: Patient, *parts: Part) -> Study:
    """A study told in one line: archive, key, date, time (`-` for none), body part, description."""
    archive, key, date, time, body_part, description = told.split(" ", maxsplit=5)
    return Study(
        archive=archive,
        key=key,
        patient=patient,
        date=date.strip("-"),
        time=time.strip("-"),
        description=description,
        body_part=body_part,
        parts=parts,
    )


def _nodule_report(size_mm: str, before: str, conclusion: str) -> Part:
    findings = (
        f"Solid nodule in the right upper lobe, {size_mm} mm in its long axis ({before}). No new nodule. "
        "No pleural effusion. No enlarged mediastinal lymph nodes."
    )
    return partial(text_report, paragraphs=("Follow-up of a nodule in the right upper lobe.", findings, conclusion))
