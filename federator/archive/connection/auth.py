"""Signing in to one archive: which headers a request carries, and what to do about a 401."""

import base64
import time
from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.to_thread

from federator.archive.secrets import vault
from federator.config import Archive, AuthMethod
from federator.errors import ArchiveError
from federator.model import OutcomeState

PostForm = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, object]]]
"""Posts a form to a URL and gives the JSON object that came back; raises ArchiveError."""

_RENEW_AT = 0.8
_SHORTEST_LIFE_S = 30.0
_LONGEST_LIFE_S = 86_400.0
_DEFAULT_LIFE_S = 300.0
_MOST_DIGITS = 10
_LONGEST_TOKEN = 32_768


class SignIn:
    """The headers that sign a request in; nothing is read from a secret store before the first request needs it.

    One caller at a time reads the secret or asks for a token, the others wait for what it got.
    """

    def __init__(self, archive: Archive, post_form: PostForm) -> None:
        self._archive = archive
        self._post_form = post_form
        self._lock = anyio.Lock()
        self._headers: Mapping[str, str] | None = None
        self._renew_at = float("inf")

    async def headers(self) -> Mapping[str, str]:
        """The headers for a request, at most as old as the token's life allows."""
        if self._archive.auth is AuthMethod.NONE:
            return {}
        if self._headers is not None and time.monotonic() < self._renew_at:
            return self._headers
        async with self._lock:
            if self._headers is None or time.monotonic() >= self._renew_at:
                self._headers = await self._fresh()
            return self._headers

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """After a 401: forget what was refused and sign in afresh; whether there is anything new to try."""
        if self._archive.auth is AuthMethod.NONE:
            return False
        async with self._lock:
            if self._headers is refused:
                self._headers = await self._fresh()
            return self._headers != refused or self._archive.auth is AuthMethod.OAUTH2

    async def _fresh(self) -> Mapping[str, str]:
        archive = self._archive
        if archive.secret is None:
            raise ArchiveError("no secret is configured for its sign-in.", state=OutcomeState.REFUSED)
        secret = await anyio.to_thread.run_sync(vault.read, archive.secret, abandon_on_cancel=True)
        match archive.auth:
            case AuthMethod.BASIC:
                pair = base64.b64encode(f"{archive.user}:{secret}".encode()).decode("ascii")
                return {"Authorization": f"Basic {pair}"}
            case AuthMethod.HEADER:
                return {archive.header: _header_safe(secret)}
            case AuthMethod.OAUTH2:
                return await self._token(secret)
            case _:
                return {"Authorization": f"Bearer {_header_safe(secret)}"}

    async def _token(self, secret: str) -> Mapping[str, str]:
        """Client credentials grant (RFC 6749 §4.4), renewed at four fifths of the token's life."""
        form = {"grant_type": "client_credentials", "client_id": self._archive.client_id, "client_secret": secret}
        if self._archive.scope:
            form["scope"] = self._archive.scope
        answer = await self._post_form(self._archive.token_url, form)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.strip():
            raise ArchiveError("the sign-in service gave no access token.", state=OutcomeState.REFUSED)
        if len(token) > _LONGEST_TOKEN or not token.isascii() or not token.strip().isprintable():
            raise ArchiveError(
                "the sign-in service gave an access token that no request can carry.", state=OutcomeState.REFUSED
            )
        self._renew_at = time.monotonic() + _life_s(answer.get("expires_in")) * _RENEW_AT
        return {"Authorization": f"Bearer {token.strip()}"}


def _life_s(told: object) -> float:
    """Seconds that a token lives; what is told in other ways than as a number of seconds counts as not told.

    Standard: RFC 6749 §5.1
    """
    if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS:
        # Azure's older service writes the number as text.
        told = int(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return _DEFAULT_LIFE_S
    return float(min(max(_SHORTEST_LIFE_S, told), _LONGEST_LIFE_S))


def _header_safe(secret: str) -> str:
    """The secret without surrounding white space; one that cannot stand in a header is refused without showing it."""
    value = secret.strip()
    if not value.isascii() or not value.isprintable():
        raise ArchiveError(
            "its stored secret has characters that a sign-in header cannot carry. Store it again.",
            state=OutcomeState.REFUSED,
        )
    return value
