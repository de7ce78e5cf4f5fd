"""Who is the same patient in a real archive: Debian's Orthanc, to which all studies of one ID are one patient's."""

from collections.abc import Iterator

import pytest

from federator.config import Archive, Config
from federator.dicom.uid import TaggedUID
from federator.federation.federation import Federation
from federator.federation.identity.priors import PriorStudies
from tests.support.orthanc_server import Orthanc, made, running

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

ANNA = {"PatientName": "Weber^Anna", "PatientBirthDate": "19500101", "PatientSex": "F"}
MEHMET = {"PatientName": "Kaya^Mehmet", "PatientBirthDate": "19880707", "PatientSex": "M"}
# Patient ID: the root of its studies. The first is the reference, Anna's; then one of hers and one of Mehmet's.
IDS = {"UNKNOWN": "1.7.1", "0": "1.7.2", "KH-4": "1.7.3"}


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("identity"), "main", "/dicom-web/") as archive:
        for patient_id, root in IDS.items():
            for number, person in enumerate((ANNA, ANNA, MEHMET), start=1):
                day = f"2024010{4 - number}"
                for file in made(f"{root}.{number}", PatientID=patient_id, StudyDate=day, **person):
                    assert archive.store(file)
        for number, name in enumerate(("Weber^Anna", "Huber^Anna"), start=1):
            for file in made(
                f"1.7.4.{number}", PatientID="KH-5", StudyDate="20240101", **(ANNA | {"PatientName": name})
            ):
                assert archive.store(file)
        yield archive


async def priors_of(orthanc: Orthanc, uid: str) -> PriorStudies:
    async with Federation(Config(archives=(Archive(name="main", url=orthanc.url),))) as federation:
        return await federation.prior_studies(TaggedUID.parse(uid))


def told(found: PriorStudies) -> dict[str, bool]:
    return {prior.entry.uid: prior.certain for prior in found.priors}


@pytest.mark.parametrize("patient_id", ["UNKNOWN", "0"])
async def test_a_placeholder_makes_nobody_certain(orthanc, patient_id):
    """contract.md §3.8: Kaya^Mehmet is not listed as Weber^Anna's, and not even her own other study is certain."""
    root = IDS[patient_id]
    found = await priors_of(orthanc, f"{root}.1")
    assert told(found) == {f"{root}.2": False}
    assert "left out here: 1." in found.notes[0]


async def test_one_id_of_several_people_makes_nobody_certain(orthanc):
    """contract.md §3.8: Orthanc calls them one patient; the rows show two."""
    assert len([patient for patient in orthanc.rest("/patients?expand") if len(patient["Studies"]) > 2]) == len(IDS)
    found = await priors_of(orthanc, "1.7.3.1")
    assert told(found) == {"1.7.3.2": False, "1.7.3.3": False}
    assert all("given to several people" in prior.reason for prior in found.priors)


async def test_another_name_with_the_same_birth_date_stays_certain(orthanc):
    """contract.md §3.8: people marry."""
    assert told(await priors_of(orthanc, "1.7.4.1")) == {"1.7.4.2": True}
