"""`archives.toml`: which archives there are, and how to reach each one (contract.md section 7)."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class AuthMethod(StrEnum):
    """How to sign in to an archive."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"
    OAUTH2 = "oauth2"


class SecretStore(StrEnum):
    """Where a secret is kept; never in the file itself."""

    KEYRING = "keyring"
    ENVIRONMENT = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """Where to find a secret: `keyring:NAME`, `env:VARIABLE` or `file:/absolute/path`."""

    store: SecretStore
    name: str

    def __str__(self) -> str:
        return f"{self.store.value}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One configured archive: either a DICOMweb service at `url`, or a `folder` of DICOM files.

    `deadline_s` bounds everything that one question may cost at this archive. `max_bytes` bounds one decoded
    answer, `max_rows` all rows that one search may read, `max_connections` the requests under way at once.
    `viewer_url` has `{study}` where the Study Instance UID goes. `patient_id_issuer` names the assigning
    authority of its Patient IDs where the rows do not tell it (Issuer of Patient ID, (0010,0021)). `keep_habits` says
    that what it was found to do may be kept for the next process.
    """

    name: str
    title: str = ""
    url: str = ""
    folder: Path | None = None
    auth: AuthMethod = AuthMethod.NONE
    user: str = ""
    secret: SecretReference | None = None
    header: str = ""
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    deadline_s: float = 10.0
    max_connections: int = 4
    max_bytes: int = 134_217_728
    max_rows: int = 20_000
    patient_id_issuer: str = ""
    viewer_url: str = ""
    keep_habits: bool = True
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All archives in the order of the file, enabled or not; `path` is None where no file was read."""

    archives: tuple[Archive, ...]
    path: Path | None = None

    @property
    def enabled(self) -> tuple[Archive, ...]:
        """The archives that are asked."""
        return tuple(archive for archive in self.archives if archive.enabled)
