"""Assistants are connected and disconnected without harm to their settings (issue 4 part 6, facts/tray section 6)."""

import dataclasses
import json
import random
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.random_jsonc import RandomSettings
from tests.support.tray_host import eventually
from tray.clients import files as client_files
from tray.clients import jsonc
from tray.clients import places as client_places
from tray.clients.connect import Clients, ClientState
from tray.clients.files import MAX_BYTES, ClientError
from tray.clients.registry import FileFormat, registry

SECRET = "sk-never-shown-4711"
OTHER = "ops-of-somebody-else"
SERVER = """
import json, sys
question = json.loads(sys.stdin.readline())
assert question["method"] == "initialize"
result = {"serverInfo": {"name": "federator", "version": "1"}}
print(json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": result}), flush=True)
sys.stdin.read()
"""
CLAUDE = """
import json, pathlib, sys
place = pathlib.Path({home!r}) / ".claude.json"
document = json.loads(place.read_text()) if place.exists() else {{}}
servers = document.setdefault("mcpServers", {{}})
verb, rest = sys.argv[2], sys.argv[3:]
if verb == "add":
    assert rest[:2] == ["--scope", "user"] and rest[3] == "--"
    if rest[2] in servers:
        sys.exit(1)
    servers[rest[2]] = {{"type": "stdio", "command": rest[4], "args": rest[5:], "env": {{}}}}
elif verb == "get":
    if rest[0] not in servers:
        sys.exit(1)
    print(f"{{rest[0]}}:\\n  Command: {{servers[rest[0]]['command']}}")
elif verb == "remove":
    assert rest[:2] == ["--scope", "user"]
    del servers[rest[2]]
place.write_text(json.dumps(document))
"""

SETTINGS = {
    "claude-desktop": (".config/Claude/claude_desktop_config.json", "mcpServers"),
    "cursor": (".cursor/mcp.json", "mcpServers"),
    "vscode": (".config/Code/User/mcp.json", "servers"),
    "windsurf": (".codeium/windsurf/mcp_config.json", "mcpServers"),
    "lmstudio": (".lmstudio/mcp.json", "mcpServers"),
    "codex": (".codex/config.toml", "mcp_servers"),
    "gemini": (".gemini/settings.json", "mcpServers"),
    "zed": (".config/zed/settings.json", "context_servers"),
}
JSONC_CLIENTS = [name for name in SETTINGS if name not in {"codex", "claude-desktop"}]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home of Müller"
    folder.mkdir()
    return folder


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    return (sys.executable, "-I", "-S", str(script), "--config", str(tmp_path / "archives.toml"))


@pytest.fixture
def clients(home: Path, tmp_path: Path, command: tuple[str, ...]) -> Clients:
    return make(home, tmp_path, command)


def make(home: Path, tmp_path: Path, command: tuple[str, ...]) -> Clients:
    state = tmp_path / "state"
    made = Clients(platform="linux", environment={"HOME": str(home)}, home=home, state_folder=state, command=command)
    # Whether a real Claude Desktop runs on this computer is none of a test's business.
    made.registry = tuple(dataclasses.replace(client, processes=()) for client in made.registry)
    return made


def settings_of(client: str, home: Path) -> Path:
    path = home / SETTINGS[client][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def filled(client: str, home: Path) -> Path:
    """Settings as a person has them: another server with a key of its own, a comment where the format knows them."""
    path = settings_of(client, home)
    key = SETTINGS[client][1]
    if client == "codex":
        path.write_text(
            f'# mine\nmodel = "o9"\n\n[{key}.{OTHER}] # theirs\ncommand = "x"\nenv = {{ KEY = "{SECRET}" }}\n'
        )
        return path
    comment = "" if client == "claude-desktop" else " // mine"
    path.write_text(
        f'{{\n    "theme": "dark",{comment}\n    "{key}": {{\n'
        f'        "{OTHER}": {{ "command": "x", "env": {{ "KEY": "{SECRET}" }} }}{comment}\n    }}\n}}\n'
    )
    return path


def entry_in(client: str, path: Path) -> object:
    text = path.read_text("utf-8")
    document = tomllib.loads(text) if client == "codex" else jsonc.parse(text)
    return jsonc.find(document, (SETTINGS[client][1], "federator"))


@pytest.mark.parametrize("client", SETTINGS)
def test_a_client_is_connected_and_everything_else_in_its_settings_stays(
    client: str, clients: Clients, home: Path
) -> None:
    """Issue 4 part 6: nothing but our entry changes; a second run changes nothing; undo restores byte for byte."""
    path = filled(client, home)
    before = path.read_bytes()
    assert clients.state(client).state is ClientState.FOUND
    clients.apply(clients.plan(client))
    entry = entry_in(client, path)
    assert entry["command"] == clients.command[0]
    assert entry["args"] == list(clients.command[1:])
    assert "env" not in entry
    assert clients.state(client).state is ClientState.CONNECTED
    after = path.read_bytes()
    for line in before.splitlines():
        assert line.rstrip(b" /mine").rstrip(b",") in after
    clients.apply(clients.plan(client))
    assert path.read_bytes() == after
    clients.undo(client)
    assert path.read_bytes() == before
    assert clients.state(client).state is ClientState.FOUND
    with pytest.raises(ClientError, match="Nothing of ours"):
        clients.undo(client)


@pytest.mark.parametrize("client", SETTINGS)
def test_nothing_of_another_server_is_shown_or_kept_readable(
    client: str, clients: Clients, home: Path, tmp_path: Path
) -> None:
    """Issue 4: other servers' keys and values never appear in a diff; copies are for the owner only."""
    filled(client, home)
    plan = clients.plan(client)
    assert SECRET not in plan.diff
    assert OTHER not in plan.diff
    assert "1 other entry, unchanged" in plan.diff
    assert clients.command[0] in plan.diff
    clients.apply(plan)
    removal = clients.plan_removal(client)
    assert SECRET not in removal.diff
    assert OTHER not in removal.diff
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():
            assert "backups" in path.parts or SECRET not in path.read_text("utf-8")
            assert "locks" in path.parts or path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("client", SETTINGS)
def test_no_damage_brings_anything_of_others_into_a_message_or_changes_a_byte(
    client: str, clients: Clients, home: Path
) -> None:
    """Issue 4: refused and untouched, byte for byte; other servers' keys and values in no message, whatever broke."""
    path = filled(client, home)
    whole = path.read_bytes()
    refused = 0
    chance = random.Random(client)
    for _ in range(120):
        place, until = sorted(chance.choices(range(len(whole)), k=2))
        damage = chance.choice(
            [b"", b"{", b'"', b"[", b",", b"\n", b"\xff", b"\0", b"\xe2\x80\x9c", b'"federator": 1,']
        )
        broken = whole[:place] + damage + whole[chance.choice([place, place + 1, until]) :]
        path.write_bytes(broken)
        told = [clients.state(client).message]
        for plan in (clients.plan, clients.plan_removal):
            try:
                told.append(plan(client).diff)
            except ClientError as error:
                told.append(str(error))
                refused += 1
        assert [text for text in told if SECRET in text or OTHER in text or "o9" in text] == []
        assert path.read_bytes() == broken
    assert refused > 60
    assert [found for found in home.rglob("*") if found.is_file()] == [path]


@pytest.mark.parametrize("client", SETTINGS)
def test_settings_that_do_not_exist_yet_are_made_and_undone(client: str, clients: Clients, home: Path) -> None:
    """Facts 6.1: the client's folder exists, its settings file does not yet."""
    path = settings_of(client, home)
    clients.apply(clients.plan(client))
    assert clients.state(client).state is ClientState.CONNECTED
    assert path.stat().st_mode & 0o077 == 0
    clients.undo(client)
    assert not path.exists()


@pytest.mark.parametrize("client", SETTINGS)
def test_disconnecting_takes_only_our_entry_out_and_can_be_undone(client: str, clients: Clients, home: Path) -> None:
    """Issue 4 part 6: connect, disconnect, undo."""
    path = filled(client, home)
    before = path.read_bytes()
    clients.apply(clients.plan(client))
    connected = path.read_bytes()
    clients.apply(clients.plan_removal(client))
    assert path.read_bytes() == before
    assert clients.state(client).state is ClientState.FOUND
    clients.undo(client)
    assert path.read_bytes() == connected
    assert clients.state(client).state is ClientState.CONNECTED


def test_each_client_gets_the_form_of_entry_that_it_reads(clients: Clients, home: Path) -> None:
    """facts/mcp section 5: VS Code wants type stdio under servers, Zed wants source custom under context_servers."""
    for client in ("vscode", "zed", "cursor"):
        path = settings_of(client, home)
        clients.apply(clients.plan(client))
        first = next(iter(entry_in(client, path).items()))
        assert first == {"vscode": ("type", "stdio"), "zed": ("source", "custom")}.get(
            client, ("command", sys.executable)
        )


def test_vscode_is_connected_in_every_profile_or_in_none(clients: Clients, home: Path) -> None:
    """Issue 4 part 6: VS Code, all profiles."""
    filled("vscode", home)
    profiles = home / ".config/Code/User/profiles"
    for name in ("4711", "reading"):
        (profiles / name).mkdir(parents=True)
    (profiles / "reading" / "mcp.json").write_text('{"servers": {}, // none\n}')
    clients.apply(clients.plan("vscode"))
    for path in (profiles / "4711" / "mcp.json", profiles / "reading" / "mcp.json"):
        assert entry_in("vscode", path)["type"] == "stdio"
    (profiles / "late").mkdir()
    assert clients.state("vscode").state is ClientState.DIFFERENT
    assert "every profile" in clients.state("vscode").message
    clients.undo("vscode")
    assert (profiles / "reading" / "mcp.json").read_text() == '{"servers": {}, // none\n}'
    assert not (profiles / "4711" / "mcp.json").exists()


def test_a_failure_in_a_later_file_takes_the_earlier_ones_back(clients: Clients, home: Path) -> None:
    """A refusal changes nothing, also where a client has several files."""
    path = filled("vscode", home)
    before = path.read_bytes()
    profile = home / ".config/Code/User/profiles/x"
    profile.mkdir(parents=True)
    plan = clients.plan("vscode")
    (profile / "mcp.json").write_text('{"changed": "meanwhile"}')
    with pytest.raises(ClientError, match="changed meanwhile"):
        clients.apply(plan)
    assert path.read_bytes() == before
    assert (profile / "mcp.json").read_text() == '{"changed": "meanwhile"}'


MALFORMED = {
    "truncated": b'{"mcpServers": {"a": {"command": "x"}',
    "twice": b'{"mcpServers": {}, "mcpServers": {}}',
    "smart quotes": "{“mcpServers”: {}}".encode(),
    "NaN": b'{"a": NaN}',
    "a list": b"[1]",
    "servers are a list": b'{"mcpServers": [], "servers": [], "context_servers": []}',
    "UTF-16": '{"mcpServers": {}}'.encode("utf-16"),
    "UTF-16 without a mark": '{"mcpServers": {}}'.encode("utf-16-le"),
    "Latin-1": '{"k": "Müller"}'.encode("latin-1"),
    "too large": b'{"a": "' + b"x" * MAX_BYTES + b'"}',
}


@pytest.mark.parametrize("kind", MALFORMED)
@pytest.mark.parametrize("client", ["claude-desktop", "cursor", "vscode", "zed"])
def test_a_malformed_file_is_refused_and_untouched_byte_for_byte(
    client: str, kind: str, clients: Clients, home: Path
) -> None:
    """Issue 4: a malformed client file is refused and untouched, byte for byte."""
    path = settings_of(client, home)
    path.write_bytes(MALFORMED[kind])
    with pytest.raises(ClientError, match="We left it as it is"):
        clients.plan(client)
    with pytest.raises(ClientError, match="We left it as it is"):
        clients.plan_removal(client)
    assert clients.state(client).state is ClientState.DAMAGED
    assert path.read_bytes() == MALFORMED[kind]


@pytest.mark.parametrize(
    "text", ["[mcp_servers\n", "mcp_servers = 3\n", "a = 1\na = 2\n", 'mcp_servers = { federator = "x" }\n']
)
def test_damaged_or_unusual_toml_is_refused_and_untouched(text: str, clients: Clients, home: Path) -> None:
    """Issue 4 part 6, for Codex."""
    path = settings_of("codex", home)
    path.write_text(text)
    with pytest.raises(ClientError, match="We left it as it is"):
        clients.plan("codex")
    assert path.read_text() == text


def test_gemini_reads_comments_and_no_trailing_comma(clients: Clients, home: Path) -> None:
    """Tried with Gemini CLI: it does not start with a trailing comma, so such a file is damaged already."""
    path = settings_of("gemini", home)
    path.write_text('{"theme": "Dark",} // mine\n')
    with pytest.raises(ClientError, match="damaged"):
        clients.plan("gemini")
    path.write_text('{"theme": "Dark"} // mine\n')
    clients.apply(clients.plan("gemini"))
    assert clients.state("gemini").state is ClientState.CONNECTED


@pytest.mark.parametrize("text", ['{\n  // note\n  "mcpServers": {}\n}', '{"mcpServers": {},}'])
def test_claude_desktop_reads_strict_json_only(text: str, clients: Clients, home: Path) -> None:
    """facts/mcp section 5: a trailing comma loads nothing there, silently; so such a file is damaged already."""
    path = settings_of("claude-desktop", home)
    path.write_text(text)
    with pytest.raises(ClientError, match="damaged"):
        clients.plan("claude-desktop")
    assert path.read_text() == text


def test_a_byte_order_mark_is_taken_away_because_it_makes_claude_drop_all_servers(clients: Clients, home: Path) -> None:
    """Facts 6.3: a BOM counts as a change to make."""
    path = settings_of("claude-desktop", home)
    path.write_bytes(b'\xef\xbb\xbf{"mcpServers": {}}')
    clients.apply(clients.plan("claude-desktop"))
    assert path.read_bytes().startswith(b"{")
    clients.undo("claude-desktop")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("client", SETTINGS)
def test_an_entry_that_the_app_dropped_is_told_from_one_that_never_was(
    client: str, clients: Clients, home: Path
) -> None:
    """Facts 6.3: removed by the app, and reconnecting brings it back."""
    path = filled(client, home)
    before = path.read_bytes()
    clients.apply(clients.plan(client))
    signature = clients.signature()
    path.write_bytes(before)
    assert clients.signature() != signature
    assert clients.state(client).state is ClientState.REMOVED
    clients.apply(clients.plan(client))
    assert clients.state(client).state is ClientState.CONNECTED


@pytest.mark.parametrize("client", SETTINGS)
def test_an_entry_changed_by_hand_is_repaired_and_its_additions_stay(client: str, clients: Clients, home: Path) -> None:
    """Facts 6.3: different (changed by hand)."""
    path = filled(client, home)
    clients.apply(clients.plan(client))
    old, new = json.dumps(clients.command[0])[1:-1], "/moved/federator"
    text = path.read_text("utf-8").replace(old, new)
    text = text.replace(f'command = "{new}"', f'command = "{new}"\ndisabled = false')
    text = text.replace(f'"command": "{new}"', f'"command": "{new}", "disabled": false')
    path.write_text(text, "utf-8")
    assert clients.state(client).state is ClientState.DIFFERENT
    assert "moved" in clients.state(client).message
    plan = clients.plan(client)
    assert new not in plan.diff
    clients.apply(plan)
    assert clients.state(client).state is ClientState.CONNECTED
    assert entry_in(client, path)["disabled"] is False


def test_undo_restores_random_settings_byte_for_byte(clients: Clients, home: Path) -> None:
    """Issue 4: undo restores; here for settings as people write them, without starting the server each time."""
    path = settings_of("cursor", home)
    written = 0
    for seed in range(300):
        before = RandomSettings(seed).document().encode()
        path.write_bytes(before)
        plan = clients.plan("cursor")
        clients._writer.write_all(plan)
        assert clients.state("cursor").state is ClientState.CONNECTED
        if path.read_bytes() != before:
            written += 1
            clients.undo("cursor")
        assert path.read_bytes() == before, seed
    assert written > 250


@pytest.mark.parametrize("client", JSONC_CLIENTS)
def test_undo_after_further_changes_takes_only_our_entry_out(client: str, clients: Clients, home: Path) -> None:
    """Facts 6.2: the copy is put back only if the file is still the one that we wrote."""
    path = filled(client, home)
    clients.apply(clients.plan(client))
    path.write_text(path.read_text().replace('"dark"', '"light"'))
    clients.undo(client)
    document = jsonc.parse(path.read_text())
    assert document["theme"] == "light"
    assert list(document[SETTINGS[client][1]]) == [OTHER]


def test_a_plan_that_is_out_of_date_is_not_written(clients: Clients, home: Path) -> None:
    """Facts 6.3 step 5: the etag is checked again before the file is replaced."""
    path = filled("cursor", home)
    plan = clients.plan("cursor")
    assert plan.etag == clients.plan("cursor").etag
    path.write_text(path.read_text() + "\n")
    assert plan.etag != clients.plan("cursor").etag
    changed = path.read_bytes()
    with pytest.raises(ClientError, match="changed meanwhile"):
        clients.apply(plan)
    assert path.read_bytes() == changed


def test_a_server_that_does_not_answer_is_not_written(home: Path, tmp_path: Path) -> None:
    """Facts 6.4: only a server that answers is written."""
    path = filled("cursor", home)
    before = path.read_bytes()
    for command in ((sys.executable, "-c", "pass"), (str(tmp_path / "not there"),)):
        broken = make(home, tmp_path, command)
        with pytest.raises(ClientError, match="Nothing was written"):
            broken.apply(broken.plan("cursor"))
    assert path.read_bytes() == before


def test_a_running_claude_desktop_is_named_and_left_alone(clients: Clients, home: Path, tmp_path: Path) -> None:
    """Facts 6.3 step 4: detect the process, ask the person, never kill it."""
    path = filled("claude-desktop", home)
    before = path.read_bytes()
    program = tmp_path / f"claude-desktop-{tmp_path.name}"
    shutil.copy("/bin/sleep", program)
    first, *others = clients.registry
    clients.registry = (dataclasses.replace(first, processes=(program.name,)), *others)
    with subprocess.Popen([str(program), "300"]) as process:
        try:
            eventually(lambda: clients.is_running("claude-desktop"))
            assert any("running" in hint for hint in clients.plan("claude-desktop").hints)
            with pytest.raises(ClientError, match="Quit it completely"):
                clients.apply(clients.plan("claude-desktop"))
            assert process.poll() is None
            assert path.read_bytes() == before
            clients.apply(clients.plan("claude-desktop"), even_if_running=True)
        finally:
            process.kill()
    assert clients.state("claude-desktop").state is ClientState.CONNECTED
    assert not clients.is_running("claude-desktop")


def test_a_managed_client_is_told_so(clients: Clients, tmp_path: Path) -> None:
    """Facts 6.4: if a policy is present, the IT department manages the connections."""
    code = clients.client("claude-code")
    assert [str(path) for path in code.policies] == ["/etc/claude-code/managed-mcp.json"]
    policy = tmp_path / "managed-mcp.json"
    managed = dataclasses.replace(code, policies=(policy,))
    assert not client_places.is_managed(managed, "linux")
    policy.write_text("{}")
    assert client_places.is_managed(managed, "linux")


def test_the_mode_of_the_file_is_kept_and_a_link_is_followed(clients: Clients, home: Path, tmp_path: Path) -> None:
    """Facts 5.2: follow a symlink to its target first; keep the mode."""
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    settings_of("cursor", home).symlink_to(real)
    clients.apply(clients.plan("cursor"))
    assert settings_of("cursor", home).is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "federator" in real.read_text()
    assert clients.state("cursor").state is ClientState.CONNECTED
    clients.undo("cursor")
    assert real.read_text() == "{}"


def test_claude_code_is_set_up_through_its_own_command(clients: Clients, home: Path) -> None:
    """Facts 6.1: never by file; `claude mcp add`, then `claude mcp get`."""
    assert clients.state("claude-code").state is ClientState.NOT_FOUND
    program = home / ".local/bin/claude"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{CLAUDE.format(home=str(home))}")
    program.chmod(0o755)
    (home / ".claude.json").write_text(json.dumps({"mcpServers": {OTHER: {"env": {"KEY": SECRET}}}}))
    assert clients.state("claude-code").state is ClientState.FOUND
    plan = clients.plan("claude-code")
    assert plan.diff.startswith("claude mcp add --scope user federator -- ")
    clients.apply(plan)
    assert clients.state("claude-code").state is ClientState.CONNECTED
    held = json.loads((home / ".claude.json").read_text())["mcpServers"]
    held["federator"]["command"] = "/old/federator"
    (home / ".claude.json").write_text(json.dumps({"mcpServers": held}))
    assert clients.state("claude-code").state is ClientState.DIFFERENT
    clients.apply(clients.plan("claude-code"))
    assert clients.state("claude-code").state is ClientState.CONNECTED
    clients.apply(clients.plan_removal("claude-code"))
    assert clients.state("claude-code").state is ClientState.FOUND
    clients.apply(clients.plan("claude-code"))
    (home / ".claude.json").write_text("{}")
    assert clients.state("claude-code").state is ClientState.REMOVED
    clients.undo("claude-code")
    assert clients.state("claude-code").state is ClientState.FOUND


def test_a_claude_command_that_says_no_is_told_without_what_it_printed(clients: Clients, home: Path) -> None:
    """Issue 4: other servers' keys never appear, so the output of another program is not repeated."""
    program = home / ".local/bin/claude"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho {SECRET}\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(ClientError, match=r"said no.*exit 3") as caught:
        clients.apply(clients.plan("claude-code"))
    assert SECRET not in str(caught.value)


def test_an_unknown_client_is_answered_with_the_list(clients: Clients) -> None:
    """Issue 4 part 7: CLIENT is one of nine."""
    with pytest.raises(
        ClientError, match="claude-desktop, claude-code, cursor, vscode, windsurf, lmstudio, codex, gemini, zed"
    ):
        clients.plan("emacs")


def test_a_client_that_is_not_there_is_refused(clients: Clients, home: Path) -> None:
    """A refusal says why and changes nothing."""
    with pytest.raises(ClientError, match="not found on this computer"):
        clients.plan("cursor")
    assert list(home.iterdir()) == []


def test_the_places_of_three_platforms(tmp_path: Path) -> None:
    """facts/mcp section 5: paths of macOS, Linux and Windows."""
    home = Path("/home/u")
    mac = {client.identifier: client.alternatives[0].root for client in registry("darwin", {}, home)}
    assert mac["claude-desktop"] == home / "Library/Application Support/Claude"
    assert mac["vscode"] == home / "Library/Application Support/Code/User"
    assert mac["zed"] == home / ".config/zed"
    windows = {client.identifier: client.alternatives[-1].root for client in registry("win32", {"APPDATA": "/A"}, home)}
    assert windows["claude-desktop"] == Path("/A/Claude")
    assert windows["vscode"] == Path("/A/Code/User")
    assert windows["cursor"] == home / ".cursor"
    linux = {c.identifier: c.alternatives[0].root for c in registry("linux", {"XDG_CONFIG_HOME": "/x"}, home)}
    assert linux["claude-desktop"] == Path("/x/Claude")
    assert linux["codex"] == home / ".codex"
    assert [c.identifier for c in registry("linux", {}, home) if c.file_format is FileFormat.JSON] == ["claude-desktop"]
    running = [registry(platform, {}, home)[0].processes for platform in ("linux", "darwin", "win32")]
    assert running == [("claude-desktop",), ("Claude",), ("Claude.exe",)]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        (
            "linux",
            {},
            {
                "claude-desktop": ".config/Claude/claude_desktop_config.json",
                "claude-code": ".claude.json",
                "cursor": ".cursor/mcp.json",
                "vscode": ".config/Code/User/mcp.json",
                "windsurf": ".codeium/windsurf/mcp_config.json",
                "lmstudio": ".lmstudio/mcp.json",
                "codex": ".codex/config.toml",
                "gemini": ".gemini/settings.json",
                "zed": ".config/zed/settings.json",
            },
        ),
        (
            "darwin",
            {},
            {
                "claude-desktop": "Library/Application Support/Claude/claude_desktop_config.json",
                "claude-code": ".claude.json",
                "cursor": ".cursor/mcp.json",
                "vscode": "Library/Application Support/Code/User/mcp.json",
                "windsurf": ".codeium/windsurf/mcp_config.json",
                "lmstudio": ".lmstudio/mcp.json",
                "codex": ".codex/config.toml",
                "gemini": ".gemini/settings.json",
                "zed": ".config/zed/settings.json",
            },
        ),
        (
            "win32",
            {},
            {
                "claude-desktop": "AppData/Roaming/Claude/claude_desktop_config.json",
                "claude-code": ".claude.json",
                "cursor": ".cursor/mcp.json",
                "vscode": "AppData/Roaming/Code/User/mcp.json",
                "windsurf": ".codeium/windsurf/mcp_config.json",
                "lmstudio": ".lmstudio/mcp.json",
                "codex": ".codex/config.toml",
                "gemini": ".gemini/settings.json",
                "zed": "AppData/Roaming/Zed/settings.json",
            },
        ),
        (
            "linux",
            {"XDG_CONFIG_HOME": "x", "CODEX_HOME": "y", "CLAUDE_CONFIG_DIR": "z"},
            {
                "claude-desktop": "x/Claude/claude_desktop_config.json",
                "claude-code": "z/.claude.json",
                "vscode": "x/Code/User/mcp.json",
                "codex": "y/config.toml",
                "zed": "x/zed/settings.json",
            },
        ),
    ],
)
def test_each_client_is_found_and_written_at_its_own_place(
    platform: str, environment: dict[str, str], expected: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Facts 6.1: three platforms; only the folder of the one client exists, and only its file comes into being."""
    for client, place in expected.items():
        home = tmp_path / client
        path = home / place
        path.parent.mkdir(parents=True)
        made = Clients(
            platform=platform,
            environment={name: str(home / folder) for name, folder in environment.items()} | {"PATH": "/usr/bin"},
            home=home,
            state_folder=tmp_path / "state" / client,
            command=command,
        )
        made.registry = tuple(dataclasses.replace(client, processes=()) for client in made.registry)
        if client == "claude-code":
            assert client_places.look(made.client(client)).files == (path,)
            continue
        assert [status.client.identifier for status in made.states() if status.state is ClientState.FOUND] == [client]
        made._writer.write_all(made.plan(client))
        assert [found for found in home.rglob("*") if found.is_file()] == [path]
        assert made.state(client).state is ClientState.CONNECTED


@pytest.mark.parametrize(
    ("present", "folders", "expected"),
    [
        (
            ["L/Packages/Claude_x/LocalCache/Roaming/Claude/c", "R/Claude/c"],
            [],
            "L/Packages/Claude_x/LocalCache/Roaming/Claude/c",
        ),
        (["R/Claude/c"], ["L/Packages/Claude_x"], "R/Claude/c"),
        ([], ["L/Packages/Claude_x"], "L/Packages/Claude_x/LocalCache/Roaming/Claude/c"),
        ([], ["R/Claude"], "R/Claude/c"),
        (
            ["L/Packages/Claude_x/LocalCache/Roaming/Claude/c", "L/Packages/Claude_y/LocalCache/Roaming/Claude/c"],
            [],
            "ask",
        ),
        ([], ["L/Packages/Claude_x", "L/Packages/Claude_y"], "ask"),
    ],
)
def test_claude_desktop_on_windows_lies_in_its_package(
    present: list[str], folders: list[str], expected: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Facts 6.1: the package if it exists, else AppData, else the package to be; several: ask."""
    name = "claude_desktop_config.json"
    for path in present:
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).with_name(name).write_text("{}")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    environment = {"LOCALAPPDATA": str(tmp_path / "L"), "APPDATA": str(tmp_path / "R")}
    client = registry("win32", environment, tmp_path)[0]
    found = client_places.look(client)
    if expected != "ask":
        assert found.files == ((tmp_path / expected).with_name(name),)
        return
    assert found.files == ()
    assert len(found.choices) == 2
    assert client_places.look(client, chosen=found.choices[1]).files == (found.choices[1],)


WRITER = """
import sys
from pathlib import Path
from tests.support.random_jsonc import RandomSettings
from tests.support.tray_host import eventually
from tray.clients import files as client_files, jsonc
path, state, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
for number in range(10):
    for attempt in range(1000):
        snapshot = client_files.read(path, title="X")
        new = jsonc.put(snapshot.text, ("mcpServers", f"{name}{number}"), {"command": name})
        try:
            client_files.replace(snapshot, new.encode(), state_folder=state, title="X")
            break
        except client_files.ClientError:
            continue
    else:
        sys.exit(1)
"""


def test_three_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Issue 4: 3 writers at once, nothing lost, comments kept."""
    path = tmp_path / "mcp.json"
    path.write_text('{\n  // mine\n  "mcpServers": {}\n}\n')
    arguments = [sys.executable, "-c", WRITER, str(path), str(tmp_path / "state")]
    writers = [subprocess.Popen([*arguments, name], cwd=Path(__file__).parents[3]) for name in "abc"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    text = path.read_text()
    assert len(jsonc.parse(text)["mcpServers"]) == 30
    assert jsonc.comments(text) == ("// mine",)


ENDLESS_WRITER = """
import sys
from pathlib import Path
from tray.clients import files as client_files
path, state = Path(sys.argv[1]), Path(sys.argv[2])
for number in range(100_000):
    snapshot = client_files.read(path, title="X")
    print(number, flush=True)
    client_files.replace(snapshot, (b"ab"[number % 2:][:1]) * 200_000, state_folder=state, title="X")
"""


def test_a_writer_killed_at_any_point_leaves_the_old_or_the_new_file_whole(tmp_path: Path) -> None:
    """Issue 4: kill -9 at any point of a write."""
    path = tmp_path / "mcp.json"
    path.write_bytes(b"b" * 200_000)
    state = tmp_path / "state"
    chance = random.Random(7)
    for _ in range(12):
        arguments = [sys.executable, "-c", ENDLESS_WRITER, str(path), str(state)]
        with subprocess.Popen(arguments, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE) as writer:
            for _ in range(chance.randrange(1, 12)):
                writer.stdout.readline()
            for _ in range(chance.randrange(20_000)):
                pass
            writer.send_signal(signal.SIGKILL)
        data = path.read_bytes()
        assert data in {b"a" * 200_000, b"b" * 200_000}
    client_files.replace(client_files.read(path, title="X"), b"{}", state_folder=state, title="X")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["mcp.json", "state"]


def test_only_the_newest_ten_copies_are_kept(tmp_path: Path) -> None:
    """Facts 5.2: ten dated copies."""
    path = tmp_path / "mcp.json"
    for number in range(14):
        client_files.replace(
            client_files.read(path, title="X"), b"%d" % number, state_folder=tmp_path / "state", title="X"
        )
    copies = sorted((tmp_path / "state" / "backups").iterdir())
    assert [copy.read_bytes() for copy in copies] == [b"%d" % number for number in range(3, 13)]


def test_what_cannot_be_read_is_told(clients: Clients, home: Path) -> None:
    """A refusal says why and changes nothing."""
    settings_of("cursor", home).mkdir()
    with pytest.raises(ClientError, match="cannot be read"):
        clients.plan("cursor")
    assert clients.state("cursor").state is ClientState.DAMAGED


def test_several_settings_files_are_for_the_person_to_choose_from(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Facts 6.1: several candidates → ask, write nothing; the choice is remembered with the receipt."""
    files = []
    for package in ("Claude_x", "Claude_y"):
        folder = tmp_path / "L" / "Packages" / package / "LocalCache" / "Roaming" / "Claude"
        folder.mkdir(parents=True)
        files.append(folder / "claude_desktop_config.json")
        files[-1].write_text("{}")
    environment = {"LOCALAPPDATA": str(tmp_path / "L"), "APPDATA": str(tmp_path / "R"), "PATH": "/usr/bin"}
    clients = Clients(
        platform="win32", environment=environment, home=tmp_path, state_folder=tmp_path / "state", command=command
    )
    status = clients.state("claude-desktop")
    assert status.state is ClientState.FOUND
    assert status.choices == tuple(files)
    assert "Say which one" in status.message
    with pytest.raises(ClientError, match="Nothing was written"):
        clients.plan("claude-desktop")
    clients.apply(clients.plan("claude-desktop", chosen=files[1]))
    assert files[0].read_text() == "{}"
    assert clients.state("claude-desktop").state is ClientState.CONNECTED
    assert clients.state("claude-desktop").files == (files[1],)
    clients.undo("claude-desktop")
    assert files[1].read_text() == "{}"


def test_a_file_that_is_none_of_the_clients_is_refused_and_nothing_else_is_written(
    clients: Clients, home: Path, tmp_path: Path
) -> None:
    """Issue 4 part 7: what was asked for is done, or nothing: never something else."""
    before = filled("cursor", home).read_bytes()
    other = tmp_path / "other.json"
    other.write_text("{}")
    for plan in (clients.plan, clients.plan_removal):
        with pytest.raises(ClientError, match=r"no settings file of Cursor.*It uses: .*mcp\.json"):
            plan("cursor", chosen=other)
    assert (settings_of("cursor", home).read_bytes(), other.read_text()) == (before, "{}")
    assert clients.plan("cursor", chosen=settings_of("cursor", home)).edits[0].changes


def test_a_link_that_leads_to_itself_is_told(clients: Clients, home: Path) -> None:
    """Facts 6.3: what cannot be read is refused in words and left as it is."""
    path = settings_of("cursor", home)
    path.symlink_to(path)
    assert clients.state("cursor").state is ClientState.DAMAGED
    with pytest.raises(ClientError, match="leads to itself"):
        clients.plan("cursor")


def test_a_managed_client_is_hinted_at_with_the_lines_for_the_department(clients: Clients, home: Path) -> None:
    """Facts 6.4: say that the IT department manages the connections, and show the block that it needs."""
    filled("cursor", home)
    clients.registry = tuple(dataclasses.replace(client, policies=(home,)) for client in clients.registry)
    plan = clients.plan("cursor")
    assert plan.hints == ("Your IT department manages the connections of Cursor. Give them the lines below.",)
    assert clients.state("cursor").managed
    assert clients.command[0] in plan.diff


def test_an_entry_that_stood_there_already_is_watched_from_then_on(clients: Clients, home: Path) -> None:
    """Facts 6.3 step 7: connected by hand, then by us: nothing is written, and its loss is noticed."""
    path = settings_of("cursor", home)
    path.write_text(json.dumps({"mcpServers": {"federator": clients.client("cursor").entry(clients.command)}}))
    before = path.read_bytes()
    clients.apply(clients.plan("cursor"))
    assert path.read_bytes() == before
    path.write_text("{}")
    assert clients.state("cursor").state is ClientState.REMOVED


def test_a_disconnection_is_not_undone_over_later_changes(clients: Clients, home: Path) -> None:
    """A refusal says why and changes nothing."""
    path = filled("cursor", home)
    clients.apply(clients.plan("cursor"))
    clients.apply(clients.plan_removal("cursor"))
    path.write_text(path.read_text().replace('"dark"', '"light"'))
    changed = path.read_bytes()
    with pytest.raises(ClientError, match="Connect it again instead"):
        clients.undo("cursor")
    assert path.read_bytes() == changed


def test_a_damaged_state_file_of_claude_code_is_told(clients: Clients, home: Path) -> None:
    """facts: ~/.claude.json is rewritten all the time, so half a file may be seen."""
    program = home / ".local/bin/claude"
    program.parent.mkdir(parents=True)
    program.touch()
    (home / ".claude.json").write_text('{\n"mcpServers": {')
    status = clients.state("claude-code")
    assert status.state is ClientState.DAMAGED
    assert "(line 2)" in status.message
