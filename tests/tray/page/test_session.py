"""One link, one session, and when it is over: by a clock that the test moves (facts/tray.md 3.2 rules 5, 6, 10, 11)."""

import pytest

from tray.page.session import IDLE_S, LINK_LIFE_S, PING_GAP_S, Over, Session, SessionError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock) -> Session:
    return Session(clock)


def refusal(session: Session, token: str) -> Over | None:
    with pytest.raises(SessionError) as caught:
        session.admit(token, acts=True)
    return caught.value.over


def test_nonces_and_tokens_cannot_be_guessed(session):
    """Rule 5: 256 bits each, never the same."""
    nonces = {session.new_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(len(nonce) >= 43 for nonce in nonces)
    token = session.redeem(session.new_nonce())
    assert len(token) >= 43
    assert token not in nonces


def test_a_link_works_at_the_end_of_its_minute_and_not_after(session, clock):
    """Rule 5: once, 60 s."""
    nonce = session.new_nonce()
    clock.now += LINK_LIFE_S
    assert session.expire() is None
    session.redeem(nonce)
    late = session.new_nonce()
    clock.now += LINK_LIFE_S + 1
    with pytest.raises(SessionError):
        session.redeem(late)


def test_without_a_link_nothing_is_admitted(session):
    """Rule 3: an empty token equals no token."""
    for token in ("", "x", "ü"):
        assert refusal(session, token) is None
    with pytest.raises(SessionError):
        session.redeem("")


def test_an_unused_link_ends_the_session_after_a_minute(session, clock):
    """Rule 10."""
    assert session.expire() is None
    session.new_nonce()
    clock.now += LINK_LIFE_S + 1
    assert session.expire() is Over.UNUSED
    assert session.may_let_go


def test_pings_keep_a_page_alive_for_ten_minutes_and_actions_for_longer(session, clock):
    """Rule 10: no ping for longer than a hidden page may be silent, no action for 10 min."""
    token = session.redeem(session.new_nonce())
    for _ in range(100):
        clock.now += 15
        session.admit(token, acts=True)
        assert session.expire() is None
    for _ in range(int(IDLE_S / 15)):
        clock.now += 15
        session.admit(token, acts=False)
        assert session.expire() is None
    clock.now += 15
    assert session.expire() is Over.IDLE
    assert not session.may_let_go
    assert refusal(session, token) is Over.IDLE
    assert session.may_let_go


def test_a_page_that_is_over_and_never_asks_again_does_not_hold_the_port_for_ever(session, clock):
    """Rule 11: until the page is gone."""
    session.redeem(session.new_nonce())
    clock.now += PING_GAP_S + 1
    assert session.expire() is Over.GONE
    assert session.may_let_go


def test_a_page_is_not_gone_while_a_new_link_waits(session, clock):
    """The page was asleep, and the person clicks the icon again: the same port serves the new tab."""
    session.redeem(session.new_nonce())
    clock.now += PING_GAP_S + 1
    nonce = session.new_nonce()
    assert session.expire() is None
    assert session.redeem(nonce)


def test_a_replay_ends_the_session_until_the_page_was_told(session, clock):
    """Rule 5: a second use ends the session."""
    nonce = session.new_nonce()
    token = session.redeem(nonce)
    with pytest.raises(SessionError) as caught:
        session.redeem(nonce)
    assert caught.value.over is Over.REPLAYED
    assert not session.may_let_go
    assert refusal(session, token) is Over.REPLAYED
    assert session.may_let_go
    with pytest.raises(SessionError):
        session.redeem(session.new_nonce())


def test_the_newest_tab_has_the_session(session):
    """Rule 6: one session at a time."""
    old = session.redeem(session.new_nonce())
    new = session.redeem(session.new_nonce())
    assert refusal(session, old) is Over.REPLACED
    session.admit(new, acts=True)


def test_closing_gives_the_port_back_at_once(session):
    """Rule 10."""
    token = session.redeem(session.new_nonce())
    session.close()
    assert session.may_let_go
    assert refusal(session, token) is Over.GONE
