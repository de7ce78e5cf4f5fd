"""The archives of one user as the page and the shell change them: the file and the secrets together, or neither."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from federator.archive.secrets import vault
from federator.archive.secrets.vault import SecretError, StoreError, StoreState
from federator.config import (
    ARCHIVE_KEYS,
    SIGN_IN_KEYS,
    WEB_ONLY_KEYS,
    Archive,
    AuthMethod,
    SecretReference,
    SecretStore,
    is_name,
    sign_in_keys,
)
from tray.archives import file as archives_file
from tray.archives import text as archives_text
from tray.archives.file import ArchivesFile, ArchivesFileError
from tray.archives.text import TextError, Value

_SECRETS_FOLDER = "secrets"
_MAX_STEM = 28


class Keep(StrEnum):
    """Where a new secret is to be kept."""

    STORE = "store"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A secret as it was typed; it is in no representation of this object."""

    text: str
    keep: Keep = Keep.STORE

    def __repr__(self) -> str:
        return f"NewSecret(keep={self.keep.value})"


class Archives:
    """The file at `path`, and the secrets that it refers to.

    Every method raises ArchivesFileError (ConflictError where the file changed since `etag`) or SecretError, and has
    changed nothing then.
    """

    def __init__(self, path: Path, *, state_folder: Path) -> None:
        self.path = path
        self._state_folder = state_folder
        self._secrets = path.parent / _SECRETS_FOLDER

    def read(self) -> ArchivesFile:
        """The file as it is now."""
        return archives_file.read(self.path)

    def add(self, name: str, values: Mapping[str, Value | None], *, secret: NewSecret | None, etag: str = "") -> str:
        """A new archive; gives the new etag."""
        _must_be_name(name)
        in_order = {key: values[key] for key in ARCHIVE_KEYS if key in values}
        return self._save("", name, {**in_order, **values}, secret, etag)

    def edit(
        self,
        name: str,
        values: Mapping[str, Value | None],
        *,
        secret: NewSecret | None = None,
        new_name: str = "",
        etag: str = "",
    ) -> str:
        """Change values of an archive (None takes a key out), its secret and its name; gives the new etag."""
        self._must_exist(name)
        target = new_name or name
        _must_be_name(target)
        return self._save(name, target, values, secret, etag)

    def remove(self, name: str, *, forget_secret: bool = True, etag: str = "") -> str:
        """Take an archive out of the file and forget its secret; gives the new etag."""
        self._must_exist(name)
        reference = self._reference(name) if forget_secret else None
        archives_file.try_out(self.path, lambda text: archives_text.remove(text, name), etag=etag)
        with self._forgotten(reference, besides=name):
            return archives_file.edit(
                self.path, lambda text: archives_text.remove(text, name), state_folder=self._state_folder, etag=etag
            )

    def reorder(self, names: list[str], *, etag: str = "") -> str:
        """Put the archives in this order; gives the new etag."""
        return archives_file.edit(
            self.path, lambda text: archives_text.reorder(text, names), state_folder=self._state_folder, etag=etag
        )

    def enable(self, name: str, *, on: bool, etag: str = "") -> str:
        """Ask the archive again, or leave it out for now; gives the new etag."""
        self._must_exist(name)
        values = {"enabled": None if on else False}
        return archives_file.edit(
            self.path, lambda text: archives_text.put(text, name, values), state_folder=self._state_folder, etag=etag
        )

    def restore(self) -> str:
        """Put the copy of the file in its place; gives the new etag."""
        return archives_file.restore(self.path, state_folder=self._state_folder)

    def free_name(self, title: str) -> str:
        """A name for a new archive that is called `title`."""
        return name_from(title, (archive.name for archive in self.read().archives))

    def _save(
        self, name: str, target: str, values: Mapping[str, Value | None], secret: NewSecret | None, etag: str
    ) -> str:
        """Write the entry `name` (empty for a new one) under the name `target`, with its secret."""
        old = self._reference(name)
        wanted = dict(values)
        if secret is not None:
            _must_be_typed(secret)
            wanted["secret"] = str(self._place_for(target, secret.keep, old, besides=name))
        elif old is not None and name != target and (keep := self._kept_by_us(old, name)) is not None:
            wanted.setdefault("secret", str(self._place_for(target, keep, old, besides=name)))
            secret = _carried(old, keep)

        def change(text: str) -> str:
            # Looked at here, for the text may be another one than was read before.
            if name != target and archives_text.has(text, target):
                raise TextError(f"There is already an archive named '{target}'.")
            if name and name != target:
                text = archives_text.rename(text, name, target)
            return archives_text.put(text, target, wanted)

        after = archives_file.try_out(self.path, change, etag=etag)
        fresh = next(archive for archive in after if archive.name == target).secret
        with self._kept(fresh, secret), self._forgotten(old if old != fresh else None, besides=name):
            return archives_file.edit(self.path, change, state_folder=self._state_folder, etag=etag)

    def _place(self, name: str, keep: Keep) -> SecretReference:
        if keep is Keep.STORE:
            return SecretReference(store=SecretStore.KEYRING, name=name)
        return SecretReference(store=SecretStore.FILE, name=str(self._secrets / f"{name}.secret"))

    def _place_for(self, name: str, keep: Keep, old: SecretReference | None, *, besides: str) -> SecretReference:
        """Where a secret goes; never over one that another archive signs in with."""
        place = self._place(name, keep)
        others = (archive for archive in self.read().archives if archive.name != besides and archive.secret == place)
        other = next(others, None)
        if other is not None and place != old:
            raise ArchivesFileError(
                f"The secret of '{other.name}' is kept under the name '{name}'. Nothing was saved. "
                f"Choose another name, or save the secret of '{other.name}' anew first."
            )
        return place

    def _kept_by_us(self, reference: SecretReference, name: str) -> Keep | None:
        """Where the secret of the archive `name` is kept, if it is kept under its name."""
        return next((keep for keep in Keep if self._place(name, keep) == reference), None)

    @contextmanager
    def _kept(self, reference: SecretReference | None, secret: NewSecret | None) -> Iterator[None]:
        """Saves a secret for the block; one that fails finds the store as it was."""
        if reference is None or secret is None:
            yield
            return
        before = _read_or_none(reference)
        self._write(reference, secret.text)
        try:
            yield
        except (ArchivesFileError, SecretError):
            if before is None:
                self._forget(reference)
            else:
                self._write(reference, before)
            raise

    @contextmanager
    def _forgotten(self, reference: SecretReference | None, *, besides: str) -> Iterator[None]:
        """Forgets a secret for the block unless another archive uses it; one that fails finds it again."""
        if reference is None or any(
            archive.secret == reference for archive in self.read().archives if archive.name != besides
        ):
            yield
            return
        before = _read_or_none(reference)
        self._forget(reference)
        try:
            yield
        except (ArchivesFileError, SecretError):
            if before is not None:
                self._write(reference, before)
            raise

    def _write(self, reference: SecretReference, text: str) -> None:
        match reference.store:
            case SecretStore.KEYRING:
                vault.write(reference.name, text)
            case SecretStore.FILE if Path(reference.name).parent == self._secrets:
                vault.write_file(self._secrets, Path(reference.name).stem, text)
            case _:
                # A variable, or a file of IT: that is not ours to write.
                return

    def _forget(self, reference: SecretReference) -> None:
        match reference.store:
            case SecretStore.KEYRING:
                try:
                    vault.forget(reference.name)
                except StoreError as error:
                    if error.store is StoreState.LOCKED:
                        raise
            case _:
                vault.forget_file(reference, self._secrets)

    def _entry(self, name: str) -> Archive | None:
        return next((archive for archive in self.read().archives if archive.name == name), None)

    def _reference(self, name: str) -> SecretReference | None:
        entry = self._entry(name)
        return entry.secret if entry is not None else None

    def _must_exist(self, name: str) -> None:
        shown = self.read()
        # A file with faults shows no archives, and an edit may be what mends it.
        if not shown.faults and name not in {archive.name for archive in shown.archives}:
            known = ", ".join(archive.name for archive in shown.archives) or "none"
            raise ArchivesFileError(f"There is no archive named '{name}'. Configured: {known}.")


def without_useless(values: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """The values with every key taken out that has no use beside them: of another way to sign in, of a folder."""
    if values.get("folder"):
        return {**values, "url": None, **dict.fromkeys(WEB_ONLY_KEYS)}
    if values.get("url"):
        values = {**values, "folder": None}
    method = next((method for method in AuthMethod if method.value == values.get("auth")), None)
    if "auth" not in values or (method is None and values["auth"] is not None):
        return dict(values)
    takes = sign_in_keys(method or AuthMethod.NONE)
    return {**values, **{key: None for key in SIGN_IN_KEYS if key not in takes}}


def name_from(title: str, taken: Iterable[str]) -> str:
    """A name for a new archive made from its title: small letters, digits and hyphens, unlike the ones there are."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in title.lower())
    stem = "-".join(part for part in plain.split("-") if part)[:_MAX_STEM].strip("-") or "archive"
    used = set(taken)
    return next(
        name for name in (stem, *(f"{stem}-{number}" for number in range(2, len(used) + 3))) if name not in used
    )


def _must_be_name(name: str) -> None:
    if not is_name(name):
        told = f"'{name[:40]}' cannot be an archive's name: it has small letters, digits and hyphens only, at most 32."
        raise ArchivesFileError(f"{told} For example: {name_from(name, ())}")


def _must_be_typed(secret: NewSecret) -> None:
    """No password has line breaks or broken characters: such a text is another file, or of another code page."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in secret.text):
        raise ArchivesFileError(
            "The secret has more than one line, or characters that nobody can type. Nothing was saved."
        )


def _carried(reference: SecretReference, keep: Keep) -> NewSecret | None:
    """The secret that goes with a renamed archive; None where there is none to go. Raises where the store is locked."""
    try:
        return NewSecret(text=vault.read(reference), keep=keep)
    except StoreError as error:
        if error.store is StoreState.LOCKED:
            raise
    except SecretError:
        pass
    return None


def _read_or_none(reference: SecretReference) -> str | None:
    try:
        return vault.read(reference)
    except SecretError:
        return None
