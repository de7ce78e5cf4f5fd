"""Who may use the settings page: one link that works once, one session, and when it is over."""

import hmac
import secrets
import threading
from collections.abc import Callable
from enum import StrEnum

LINK_LIFE_S = 60.0
# Browsers let the timers of a hidden page run once a minute only: one late ping must not close it.
PING_GAP_S = 150.0
IDLE_S = 600.0


class Over(StrEnum):
    """Why a session is over, in words for the page."""

    REPLAYED = (
        "The link to this page was used a second time, perhaps by another person on this computer. The page was closed "
        "to be safe. Open it again from the tray icon."
    )
    REPLACED = "This page was opened again in another tab. Please use that one."
    IDLE = "The page was closed because it was not used for ten minutes. Open it again from the tray icon."
    GONE = "The page is closed."
    UNUSED = "The link to the settings page was not opened in time."


class SessionError(Exception):
    """The caller may not; `over` says so where a session ended, and is None for a caller that never had one."""

    def __init__(self, over: Over | None = None) -> None:
        self.over = over
        super().__init__(over.value if over is not None else "Open this page from the tray icon.")


class Session:
    """The one session of a page. `clock` gives seconds that only ever grow. Safe from several threads.

    `over` is set once nobody may use the page any more; a page that still runs is told so at its next call.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._nonce = ""
        self._used: set[str] = set()
        self._token = ""
        self._replaced: set[str] = set()
        self._linked_at = clock()
        self._pinged_at = clock()
        self._acted_at = clock()
        self._told = False
        self.over: Over | None = None

    @property
    def is_open(self) -> bool:
        """Whether a page was opened and not yet closed."""
        return bool(self._token) and self.over is None

    def new_nonce(self) -> str:
        """The secret of a new link; a link that was not used yet does not work any more."""
        with self._lock:
            self._nonce = secrets.token_urlsafe(32)
            self._linked_at = self._clock()
            return self._nonce

    def redeem(self, nonce: str) -> str:
        """The token for a nonce, which works once and for a minute; a second use ends the session."""
        with self._lock:
            if any(hmac.compare_digest(nonce.encode(), used.encode()) for used in self._used):
                self.over = Over.REPLAYED
                raise SessionError(Over.REPLAYED)
            fresh = bool(self._nonce) and self._clock() - self._linked_at <= LINK_LIFE_S
            if self.over is not None or not fresh or not hmac.compare_digest(nonce.encode(), self._nonce.encode()):
                raise SessionError(self.over)
            self._used.add(self._nonce)
            self._nonce = ""
            if self._token:
                self._replaced.add(self._token)
            self._token = secrets.token_urlsafe(32)
            self._pinged_at = self._acted_at = self._clock()
            return self._token

    def admit(self, token: str, *, acts: bool) -> None:
        """Let a call of the page pass, or raise SessionError; `acts` where a person did something."""
        with self._lock:
            if any(hmac.compare_digest(token.encode(), old.encode()) for old in self._replaced):
                raise SessionError(Over.REPLACED)
            if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
                raise SessionError
            if self.over is not None:
                self._told = True
                raise SessionError(self.over)
            self._pinged_at = self._clock()
            if acts:
                self._acted_at = self._pinged_at

    def close(self) -> None:
        """The person is done."""
        with self._lock:
            self.over = self.over or Over.GONE

    def expire(self) -> Over | None:
        """End the session when its time is up; why it is over, or None while it is not."""
        with self._lock:
            now = self._clock()
            if self.over is not None:
                return self.over
            waits = (bool(self._nonce) or not self._used) and now - self._linked_at <= LINK_LIFE_S
            if not self._token:
                self.over = None if waits else Over.UNUSED
            elif now - self._acted_at > IDLE_S:
                self.over = Over.IDLE
            elif now - self._pinged_at > PING_GAP_S and not waits:
                self.over = Over.GONE
            return self.over

    @property
    def may_let_go(self) -> bool:
        """Whether the port may be given back: no open page is left that would talk to whoever takes the port next."""
        with self._lock:
            if self.over is None:
                return False
            told = self._told or not self._token or self.over is Over.GONE
            return told or self._clock() - self._pinged_at > PING_GAP_S
