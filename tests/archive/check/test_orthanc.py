"""The check against a real archive (Debian's Orthanc) with a password (contract.md section 8)."""

import dataclasses

import pytest

from federator.archive.check.steps import check
from federator.config import Archive, AuthMethod, SecretReference, SecretStore
from tests.support.orthanc_server import OrthancPair

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]


async def test_a_real_archive_passes_every_step_and_a_wrong_password_or_path_is_told(
    orthanc_pair: OrthancPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md §8: check walks every archive step by step."""
    orthanc = orthanc_pair.second
    monkeypatch.setenv("FEDERATOR_TEST_SECRET", orthanc.password)
    archive = Archive(
        name="real",
        url=orthanc.url,
        auth=AuthMethod.BASIC,
        user=orthanc.user,
        secret=SecretReference(store=SecretStore.ENVIRONMENT, name="FEDERATOR_TEST_SECRET"),
    )
    steps = [step async for step in check(archive)]
    assert [step.ok for step in steps] == [True, None, True, None, True, True, True, None]
    assert "filters; takes wild cards" in steps[-1].message
    assert "pictures" in steps[-1].message

    wrong_path = dataclasses.replace(archive, url=f"http://127.0.0.1:{orthanc.port}/nothing-here")
    *_, step = [step async for step in check(wrong_path)]
    assert (step.name, step.ok) == ("DICOMweb", False)
    not_the_service = dataclasses.replace(archive, url=f"http://127.0.0.1:{orthanc.port}/app/explorer.html")
    *_, step = [step async for step in check(not_the_service)]
    assert (step.name, step.ok) == ("DICOMweb", False)

    monkeypatch.setenv("FEDERATOR_TEST_SECRET", "wrong")
    *_, step = [step async for step in check(archive)]
    assert (step.name, step.ok) == ("Signed in", False)
    assert "did not accept the user name and password" in step.message
