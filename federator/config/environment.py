"""The environment variables of the reference server, for where there is no file (contract.md section 7)."""

from collections.abc import Mapping

from federator.config.archives import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.config.values import ARCHIVE_KEYS, UnfitError
from federator.errors import ConfigError, ConfigFault

ARCHIVE_NAME = "dicomweb"
_MAX_DEADLINE_S = 300.0


def from_environment(environment: Mapping[str, str]) -> Config | None:
    """The one archive that `DICOMWEB_HOST` and its companions describe; None where the variable is not set."""
    host = environment.get("DICOMWEB_HOST", "").strip()
    if not host:
        return None
    try:
        url = str(ARCHIVE_KEYS["url"](host))
    except UnfitError as error:
        raise ConfigError([ConfigFault(message=str(error), key="DICOMWEB_HOST")]) from error
    method, user, variable = _sign_in(environment)
    return Config(
        archives=(
            Archive(
                name=ARCHIVE_NAME,
                url=url,
                auth=method,
                user=user,
                secret=SecretReference(store=SecretStore.ENVIRONMENT, name=variable) if variable else None,
                deadline_s=_deadline_s(environment.get("DICOMWEB_TIMEOUT", "")),
            ),
        )
    )


def _sign_in(environment: Mapping[str, str]) -> tuple[AuthMethod, str, str]:
    # As the reference server: an unknown method, and one whose values are not all there, is no sign-in at all.
    method = environment.get("DICOMWEB_AUTH", "").strip().lower()
    user = environment.get("DICOMWEB_USER", "")
    if method == "basic" and user and environment.get("DICOMWEB_PASS"):
        return AuthMethod.BASIC, user, "DICOMWEB_PASS"
    if method == "bearer" and environment.get("DICOMWEB_TOKEN"):
        return AuthMethod.BEARER, "", "DICOMWEB_TOKEN"
    return AuthMethod.NONE, "", ""


def _deadline_s(milliseconds: str) -> float:
    """The deadline from a time in milliseconds; unset, unreadable or not positive means the default."""
    try:
        value = float(milliseconds) / 1000
    except ValueError:
        value = 0.0
    # The comparison is false for nan as well. Without a bound one hung archive would hold every answer back.
    return min(max(value, 0.1), _MAX_DEADLINE_S) if value > 0 else Archive(name=ARCHIVE_NAME).deadline_s
