"""Bulk data, never fetched from anywhere but the archive itself (PS3.18 §10.4.1.1.5).

A BulkDataURI may name an internal host, another scheme, another machine altogether. It is read for its path only: what
lies below the study that was asked for is fetched from the configured address, everything else is not fetched at all.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.encoding.sniff import Kind, sniff
from federator.archive.retrieve.accept import (
    ABSENT,
    NotOffered,
    ask,
    cut_short,
    object_path,
    parts_of,
    wrong_content,
    wrong_kind,
)
from federator.archive.retrieve.files import read_file
from federator.archive.retrieve.instances import retrieve_instance
from federator.dicom.faults import read_faults
from federator.dicom.quiet import quiet_pydicom
from federator.errors import ContentError

_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_URI_LENGTH = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where something lies below an archive's address."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()


def resources_of(uri: str, *, url: str, study: str, series: str = "", instance: str = "") -> list[Resource]:
    """Where below the archive's address `url` a BulkDataURI may lie; empty where it must not be followed.

    A path with `/studies/{study}/` in it is taken from there on, whatever host it names. An address of the archive's
    own origin is taken below its base. Relative ones are resolved against the instance, its series and its study,
    because archives mean all three. Nothing that leaves the study or the base comes back.

    Standard: PS3.18 §F.2.2, RFC 3986 §5
    """
    try:
        parts = urlsplit(uri.strip())
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return []
    if len(uri) > _MAX_URI_LENGTH or parts.scheme not in {"", "http", "https"} or not parts.path:
        return []
    if parts.netloc or parts.path.startswith("/"):
        paths = _below_own_address(parts, port, urlsplit(url), study)
    else:
        places = (object_path(study, series, instance), object_path(study, series), object_path(study))
        joined = dict.fromkeys(
            urlsplit(urljoin(f"http://archive.invalid{place}/", parts.path)).path for place in places
        )
        paths = [path for path in joined if path.startswith(f"/studies/{study}/")]
    parameters = tuple(parse_qsl(parts.query))
    return [Resource(path=path, parameters=parameters) for path in paths if _is_plain(path)]


async def retrieve_bulk_data(
    client: ArchiveClient, uri: str, *, study: str, series: str, instance: str, tag: str = ""
) -> bytes:
    """The value behind a BulkDataURI, or with `tag` (top level, 8 hex digits) the same element of the whole instance.

    The URI is followed to the archive's own address only. Raises ContentError where neither way leads to the value.

    Standard: PS3.18 §10.4.1.1.5
    """
    for resource in resources_of(uri, url=client.archive.url, study=study, series=series, instance=instance):
        try:
            return await ask(
                client,
                resource.path,
                resource="bulk data",
                accepts=('multipart/related; type="application/octet-stream"', "application/octet-stream", "*/*"),
                read=_value_in,
                parameters=resource.parameters,
                absent=ABSENT,
            )
        except NotOffered:
            continue
    if not tag:
        raise ContentError(f"{client.name} holds this value as bulk data at an address that cannot be used.")
    content = await retrieve_instance(client, study, series, instance)
    value = (await read_file(elements_of, content, (tag,))).get(tag)
    if not value:
        raise ContentError(f"The instance in {client.name} holds no value for {tag}.")
    return value


def elements_of(content: bytes, tags: Sequence[str]) -> dict[str, bytes]:
    """The encoded values of some top-level elements of a DICOM file, without those that are absent or empty.

    Raises ContentError for a file that is DICOM by its mark only.
    """
    import pydicom

    quiet_pydicom()
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True, specific_tags=[int(tag, 16) for tag in tags])
        items = {tag: dataset.get_item(int(tag, 16)) for tag in tags}
    except read_faults() as error:
        raise ContentError("The file cannot be read as DICOM.") from error
    return {tag: item.value for tag, item in items.items() if item is not None and isinstance(item.value, bytes)}


def _below_own_address(parts: SplitResult, port: int | None, own: SplitResult, study: str) -> list[str]:
    _, marker, rest = parts.path.partition(f"/studies/{study}/")
    if marker:
        return [marker + rest]
    own_port = own.port or _DEFAULT_PORTS.get(own.scheme)
    is_foreign = parts.netloc and (parts.scheme, parts.hostname, port) != (own.scheme, own.hostname, own_port)
    below = own.path.rstrip("/") + "/"
    if is_foreign or not parts.path.startswith(below):
        return []
    return ["/" + parts.path.removeprefix(below)]


def _is_plain(path: str) -> bool:
    """Whether a path is ASCII without empty or dotted segments, written plainly or behind escapes."""
    segments = re.split(r"[/\\]", unquote(path))[1:]
    return _PATH.fullmatch(path) is not None and not any(segment in {".", ".."} for segment in segments)


def _value_in(answer: Answer) -> bytes:
    parts = parts_of(answer)
    if len(parts) > 1:
        raise wrong_content("sent several values where one was asked for")
    if sniff(parts[0].content) is Kind.HTML:
        raise wrong_kind(parts[0].content, "bulk data")
    if not parts[0].whole:
        raise cut_short("bulk data")
    return parts[0].content
