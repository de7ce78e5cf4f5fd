"""Attacks on the settings page, each as it would come over the wire (facts/tray.md section 3)."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.settings_page import SECRET, Answer, Browser, parts_of, settings_page
from tray.page import peer
from tray.page.server import PAGES
from tray.page.session import IDLE_S, LINK_LIFE_S, PING_GAP_S


@pytest.fixture
def closed(tmp_path, monkeypatch) -> Iterator[Browser]:
    with settings_page(tmp_path, monkeypatch) as browser:
        yield browser


@pytest.fixture
def browser(closed) -> Browser:
    return closed.open()


def is_gone(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until_gone(browser: Browser) -> None:
    """Returns when the server has ended; its own thread is waited for."""
    serving = browser.page._serving
    assert serving is not None
    serving._watcher.join(10)
    assert is_gone(browser.port)


ADDRESS_OF_OTHERS = ["localhost:{port}", "127.0.0.1", "evil.example:{port}", "127.0.0.1:1", "[::1]:{port}", "", None]


@pytest.mark.parametrize("host", ADDRESS_OF_OTHERS)
def test_another_host_is_refused_on_page_and_call(browser, host):
    """facts/tray.md 3.2 rule 2: Host byte for byte; it ends DNS rebinding."""
    wrong = host.format(port=browser.port) if host is not None else None
    assert browser.call("state", Host=wrong).status in {421, 400 if wrong is None else 421}
    headers = [("Host", wrong)] if wrong is not None else []
    assert browser.send("GET", "/", headers).status in {421, 400 if wrong is None else 421}


def test_a_doubled_host_is_refused(browser):
    """facts/tray.md 3.2 rule 2: doubled headers are joined, so they fail too."""
    answer = browser.send("GET", "/", [("Host", browser.host), ("Host", browser.host)])
    assert answer.status in {400, 421}


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://{host}", "http://{host}/"]
)
def test_another_origin_is_refused(browser, origin):
    """facts/tray.md 3.2 rule 3."""
    wrong = origin.format(host=browser.host) if origin is not None else None
    assert browser.call("state", Origin=wrong).status == 403
    assert browser.call("session", {"nonce": browser.nonce}, Origin=wrong).status == 403


def test_a_doubled_origin_is_refused(browser):
    """facts/tray.md 3.2 rule 2."""
    headers = [("Host", browser.host), *[("Origin", f"http://{browser.host}")] * 2, ("Content-Length", "2")]
    assert browser.send("POST", "/api/state", headers, b"{}").status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_call_from_another_site_is_refused(browser, site):
    """facts/tray.md 3.2 rule 3: Sec-Fetch-Site same-origin, or absent in old browsers."""
    assert browser.call("state", Sec_Fetch_Site=site).status == 403
    assert browser.call("state", Sec_Fetch_Site=None).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_another_site_does_not_open_the_page(browser, site):
    """facts/tray.md 3.2: top-level link: 403, open this page from the tray icon."""
    for path in PAGES:
        answer = browser.send("GET", path, [("Host", browser.host), ("Sec-Fetch-Site", site)])
        assert answer.status == 403
    assert "tray icon" in answer.json["error"]


def test_without_the_token_or_with_one_letter_changed_nothing_is_answered(browser):
    """facts/tray.md 3.2: 401."""
    changed = browser.token[:-1] + ("A" if browser.token[-1] != "A" else "B")
    for token in (None, "", changed, browser.nonce, f"{browser.token}, {browser.token}", "ü"):
        answer = browser.call("state", X_Session=token)
        assert (answer.status, answer.json["over"]) == (401, False)
    assert browser.call("state").status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "", None]
)
def test_what_a_form_could_send_is_refused(browser, kind):
    """facts/tray.md 3.2: JSON exactly, which no form can send and for which a script needs leave."""
    assert browser.call("state", Content_Type=kind).status == 415


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_calls_take_post_only_and_no_preflight_is_answered(browser, method):
    """facts/tray.md 3.2: GET and OPTIONS: 405, and no header of CORS."""
    headers = [("Host", browser.host), ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")]
    answer = browser.send(method, "/api/state", headers)
    assert answer.status == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_long_body_is_refused_before_it_is_read(browser):
    """facts/tray.md 3.2 rule 3: 64 KiB, by its length and by counting."""
    assert browser.call("state", b"{}", Content_Length="70000").status == 413
    assert browser.call("state", b"{}" + b" " * (65_536 - 2)).status == 200
    assert browser.call("state", b"{}", Content_Length="9" * 18).status == 413
    headers = {"Content_Length": None, "Transfer_Encoding": "chunked"}
    assert browser.call("state", b"2\r\n{}\r\n0\r\n\r\n", **headers).status == 411


@pytest.mark.parametrize(
    "path",
    ["/..%2fapp.js", "/../app.js", "/static/app.js", "/app.js/", "//app.js", "/index.html", "/.env", "/docs", "/api"],
)
def test_there_is_a_table_of_names_and_no_folder(browser, path):
    """facts/tray.md 3.2 rule 4: a fixed table of names, no directory served."""
    assert browser.send("GET", path, [("Host", browser.host)]).status == 404
    for known, (name, kind) in PAGES.items():
        answer = browser.send("GET", known, [("Host", browser.host), ("Sec-Fetch-Site", "none")])
        assert (answer.status, answer.body) == (200, f"this is {name}".encode())
        assert answer.headers["content-type"].startswith(kind)
        assert browser.send("POST", known, [("Host", browser.host), ("Content-Length", "0")]).status == 405


def test_an_unknown_call_is_not_found(browser):
    """facts/tray.md 3.2 rule 4."""
    assert browser.call("archives/").status == 404
    assert browser.call("nothing").status == 404


def test_every_answer_has_the_headers_that_shut_the_page_off(browser):
    """facts/tray.md 3.2 rule 7, refusals included."""
    host = [("Host", browser.host)]
    answers = [
        browser.send("GET", "/", host),
        browser.send("GET", "/app.js", host),
        browser.send("GET", "/none", host),
        browser.send("GET", "/", [("Host", "evil.example")]),
        browser.call("state"),
        browser.call("state", X_Session="x"),
        browser.call("archives/remove", {"name": "none"}),
        browser.call("archives/test", {"name": "none"}),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        for part in (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
        ):
            assert part in policy.split("; ")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["permissions-policy"]
        assert answer.headers["server"] is None
        assert answer.headers["set-cookie"] is None


def test_the_server_listens_on_loopback_only(browser):
    """facts/tray.md 3.2 rule 1: never 0.0.0.0, never localhost, never IPv6."""
    serving = browser.page._serving
    assert serving is not None
    assert serving._socket.getsockname() == ("127.0.0.1", browser.port)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", browser.port)) != 0


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be another user"
)
def test_another_user_of_the_computer_is_refused_with_the_valid_nonce(closed):
    """facts/tray.md 3.2: other Unix user with the valid nonce: 403."""
    port, nonce = parts_of(closed.page.open_link())
    script = (
        "import http.client, json, sys\n"
        f"c = http.client.HTTPConnection('127.0.0.1', {port}, timeout=10)\n"
        f"h = {{'Host': '127.0.0.1:{port}', 'Origin': 'http://127.0.0.1:{port}', 'Content-Type': 'application/json'}}\n"
        f"c.request('POST', '/api/session', json.dumps({{'nonce': '{nonce}'}}), h)\n"
        "a = c.getresponse(); print(a.status, a.read().decode())\n"
    )
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("needs a Python that every user can run")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-c", script]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    assert told.startswith("403")
    assert "another user" in told
    closed.port = port
    assert closed.call("session", {"nonce": nonce}).status == 200


def test_connections_of_others_take_no_place_and_say_nothing(tmp_path, monkeypatch):
    """CWE-400; facts/tray.md 3.3: whose a connection is can be told when it is accepted."""
    foreign: set[int] = set()
    with settings_page(tmp_path, monkeypatch, is_this_user=lambda _, other: other not in foreign) as closed:
        port, _ = parts_of(closed.page.open_link())
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                connection = stack.enter_context(socket.socket())
                connection.settimeout(10)
                connection.bind(("127.0.0.1", 0))
                foreign.add(connection.getsockname()[1])
                connection.connect(("127.0.0.1", port))
                with contextlib.suppress(ConnectionError):
                    assert connection.recv(12) in {b"HTTP/1.1 403", b""}
            assert closed.open().token


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is at the other end")
def test_the_owner_of_a_connection_is_read_from_the_kernel():
    """facts/tray.md 3.3 and Appendix B2."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as ours:
            assert peer.is_this_user(port, ours.getsockname()[1])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            assert not peer.is_this_user(port, free.getsockname()[1])
    # As programs connect that use IPv6 sockets for everything.
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET6) as mapped:
        port = server.getsockname()[1]
        try:
            mapped.connect(("::ffff:127.0.0.1", port))
        except OSError:
            pytest.skip("no IPv6 here")
        assert peer.is_this_user(port, mapped.getsockname()[1])


def test_a_nonce_works_once_and_its_second_use_ends_everything(browser):
    """facts/tray.md 3.2: replay: 401, session ended, page says why, next click works on a new port."""
    again = browser.call("session", {"nonce": browser.nonce})
    assert (again.status, again.json["over"]) == (401, True)
    told = browser.call("state")
    assert (told.status, told.json["over"]) == (410, True)
    assert "used a second time" in told.json["error"]
    wait_until_gone(browser)
    assert any("used a second time" in problem for problem in browser.problems)
    old = browser.port
    assert browser.open().port != old
    assert browser.call("state").status == 200


def test_a_wrong_nonce_is_refused_and_harms_nobody(browser):
    """facts/tray.md 3.2 rule 5: guessing must not close the page."""
    for nonce in ("", "x", browser.nonce + "x", browser.token):
        assert browser.call("session", {"nonce": nonce}).status in {400, 401}
    for body in (b"", b"[]", b"{", b'{"nonce": 5}', b'"x"'):
        assert browser.call("session", body).status == 400
    assert browser.call("state").status == 200


def test_a_link_is_good_for_a_minute(closed):
    """facts/tray.md 3.2 rule 5 and 10: an unused link for 60 s ends the server, and the person is told."""
    closed.port, _ = parts_of(closed.page.open_link())
    closed.clock.now += LINK_LIFE_S + 1
    wait_until_gone(closed)
    assert any("not opened in time" in problem for problem in closed.problems)


def test_a_link_that_is_not_opened_is_told_after_twenty_seconds_and_still_works(closed):
    """facts/tray.md 2.3: browser policy blocks 127.0.0.1: say so, with the command to use instead."""
    closed.port, nonce = parts_of(closed.page.open_link())
    closed.clock.now += 21
    for _ in range(1000):
        if closed.problems:
            break
        closed.send("GET", "/", [("Host", closed.host)])
    assert "federator-tray archive list" in closed.problems[0]
    assert closed.call("session", {"nonce": nonce}).status == 200


def test_the_newest_link_takes_the_page_over_and_the_older_tab_is_told(browser):
    """facts/tray.md 2.3: one session at a time."""
    old = browser.token
    port = browser.port
    browser.open()
    assert browser.port == port
    told = browser.call("state", X_Session=old)
    assert (told.status, told.json["over"]) == (410, True)
    assert "another tab" in told.json["error"]
    assert browser.call("state").status == 200


def test_an_older_link_does_not_work_beside_a_newer_one(closed):
    """facts/tray.md 3.2 rule 5."""
    closed.port, older = parts_of(closed.page.open_link())
    _, newer = parts_of(closed.page.open_link())
    assert closed.call("session", {"nonce": older}).status == 401
    assert closed.call("session", {"nonce": newer}).status == 200


def test_an_idle_page_keeps_its_port_until_it_has_been_told(browser):
    """facts/tray.md 3.2 rule 11: after we let a port go, another user could bind it."""
    serving = browser.page._serving
    assert serving is not None
    for _ in range(int(IDLE_S / 50)):
        browser.clock.now += 50
        assert browser.call("ping").status == 200
    browser.clock.now += 5
    assert serving.session.expire() is not None
    assert not serving.session.may_let_go
    assert not is_gone(browser.port)
    told = browser.call("ping")
    assert told.status == 410
    assert "ten minutes" in told.json["error"]
    wait_until_gone(browser)


def test_a_page_that_no_longer_pings_is_gone(browser):
    """facts/tray.md 3.2 rule 10: no ping for longer than a hidden page may be silent."""
    browser.clock.now += PING_GAP_S + 1
    wait_until_gone(browser)


def test_closing_the_page_ends_the_server(browser):
    """facts/tray.md 0 D2: gone when idle."""
    assert browser.call("close").status == 200
    wait_until_gone(browser)


def saved(browser: Browser, **fields: object) -> Answer:
    etag = browser.call("state").json["file"]["etag"]
    return browser.call("archives/save", {"etag": etag, **fields})


def test_a_secret_goes_in_and_never_comes_out(browser):
    """facts/tray.md 3.2 rule 9: write-only; the fixture looks for it in every answer."""
    sign_in = {"auth": "basic", "user": "u", "secret": SECRET}
    answer = saved(browser, title="Main PACS", url="https://pacs.example.invalid/dicom-web", **sign_in, keep="file")
    assert answer.status == 200
    assert answer.json["name"] == "main-pacs"
    (card,) = browser.call("state").json["archives"]
    assert (card["has_secret"], card["secret_kept"]) == (True, "file")
    assert SECRET not in browser.config.read_text()
    kept = browser.config.parent / "secrets" / "main-pacs.secret"
    assert kept.read_text() == SECRET
    # An empty field leaves it as it is; other values change beside it.
    assert saved(browser, name="main-pacs", title="Main", secret="").status == 200
    assert kept.read_text() == SECRET
    assert browser.call("archives/remove", {"name": "main-pacs"}).status == 200
    assert not kept.exists()


def test_a_secret_that_cannot_be_kept_is_refused_with_the_archive(browser):
    """facts/tray.md 4.2: no protected store is said, and nothing is saved half."""
    fields = {"auth": "basic", "user": "u", "secret": SECRET}
    answer = saved(browser, title="Main", url="https://pacs.example.invalid/rs", **fields)
    assert (answer.status, answer.json["field"], answer.json["store"]) == (422, "secret", "missing")
    assert not browser.config.exists()


def test_a_password_in_the_address_is_refused_by_field_and_not_repeated(browser):
    """facts/tray.md 3.2 rule 9: a URL with user:pass@ is refused."""
    answer = saved(browser, title="Main", url=f"https://u:{SECRET}@pacs.example.invalid/rs")
    assert answer.status == 422
    assert [fault["field"] for fault in answer.json["faults"]] == ["url"]
    assert not browser.config.exists()


def test_a_change_of_a_list_that_changed_meanwhile_is_refused(browser):
    """facts/tray.md 3.2: stale etag: 409."""
    assert saved(browser, title="A", url="https://a.example.invalid").status == 200
    etag = browser.call("state").json["file"]["etag"]
    browser.config.write_text(browser.config.read_text() + "# by hand\n")
    for name, fields in (
        ("archives/save", {"title": "B", "url": "https://b.example.invalid"}),
        ("archives/remove", {"name": "a"}),
        ("archives/enable", {"name": "a", "on": False}),
        ("archives/order", {"names": ["a"]}),
    ):
        answer = browser.call(name, {"etag": etag, **fields})
        assert (answer.status, answer.json["conflict"]) == (409, True), name
    assert browser.config.read_text().endswith("# by hand\n")


def test_a_test_takes_the_name_of_an_archive_and_never_an_address(browser):
    """facts/tray.md 3.2 rule 13: the page cannot be used to scan the network."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for fields in ({"name": address}, {"name": "none", "url": address}, {"url": address}, {"name": ["a"]}):
            answer = browser.call("archives/test", fields)
            assert answer.status in {400, 404}
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            asked.append(listener.accept())
    assert asked == []


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("archives/save", {"title": 5}, "title"),
        ("archives/save", {"title": "x" * 5000}, "title"),
        ("archives/save", {"deadline_s": "10"}, "deadline_s"),
        ("archives/save", {"deadline_s": [1]}, "deadline_s"),
        ("archives/save", {"password": "x"}, "password"),
        ("archives/save", {"keep": "clipboard", "secret": "x"}, "keep"),
        ("archives/remove", {}, "name"),
        ("archives/remove", {"name": "a", "forget_secret": "yes"}, "forget_secret"),
        ("archives/order", {"names": "a"}, "names"),
        ("archives/order", {"names": [1]}, "names"),
        ("archives/save", {"title": "x", "url": "https://x\0"}, "url"),
        ("clients/plan", {"client": {}}, "client"),
        ("clients/plan", {"client": "cursor", "file": "/a\0b"}, "file"),
        ("clients/apply", {"client": "x", "remove": 1}, "remove"),
    ],
)
def test_fields_of_another_kind_are_refused_by_name(browser, name, fields, field):
    """house.md: validate at the edges."""
    answer = browser.call(name, fields)
    assert (answer.status, answer.json["field"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 60_000, b'{"name": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(browser, body):
    """house.md: validate at the edges."""
    assert browser.call("archives/save", body).status == 400
    assert browser.call("archives/test", body).status == 400
