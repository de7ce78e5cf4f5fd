"""`archives.toml` as text: what it means, and how its faults are told (contract.md section 7)."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.config import (
    ARCHIVE_KEYS,
    AuthMethod,
    Config,
    SecretReference,
    SecretStore,
    decode,
    is_name,
    load,
    parse,
)
from federator.config.statements import line_of
from federator.dicom.uid import is_archive_name
from federator.errors import ConfigError, ConfigFault

CONTRACT = """schema_version = 1

[archives.mercy]                      # NAME = the tag on every UID
title = "Mercy General PACS"
url = "https://pacs.mercy.example/dicom-web"
auth = "basic"
user = "federator"
secret = "keyring:mercy"
deadline_s = 10
viewer_url = "https://viewer.mercy.example/?StudyInstanceUIDs={study}"

[archives.teaching]
folder = "~/teaching-files"
"""


def faults_of(text: str) -> tuple[ConfigFault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value.faults


def only_fault(entry: str) -> ConfigFault:
    (fault,) = faults_of("[archives.a]\n" + entry)
    return fault


def test_the_file_of_the_contract_is_read_as_it_says():
    """contract.md §7."""
    mercy, teaching = parse(CONTRACT).archives
    assert (mercy.name, mercy.title, mercy.url) == (
        "mercy",
        "Mercy General PACS",
        "https://pacs.mercy.example/dicom-web",
    )
    assert (mercy.auth, mercy.user) == (AuthMethod.BASIC, "federator")
    assert mercy.secret == SecretReference(store=SecretStore.KEYRING, name="mercy")
    assert mercy.deadline_s == 10
    assert mercy.viewer_url.endswith("={study}")
    assert (teaching.folder, teaching.url) == (Path.home() / "teaching-files", "")


def test_archives_stand_in_the_order_of_the_file():
    """contract.md §1: the order in the config file decides between holders."""
    text = "\n".join(f'[archives.{name}]\nurl = "https://{name}"' for name in ("z", "a", "m"))
    assert [archive.name for archive in parse(text).archives] == ["z", "a", "m"]


def test_every_fault_is_told_at_once_by_key_and_line_in_the_order_of_the_file():
    """contract.md §6: the operator gets every fault of the file at once, by key."""
    text = """schema_version = 1
archivs = 1
[archives.Mercy]
url = "https://x"
[archives.north]
url = "ftp://x"
deadline_s = "10"
ca_fil = "/x"
[archives.south]
enabled = false
"""
    assert [(fault.line, fault.key) for fault in faults_of(text)] == [
        (2, "archivs"),
        (3, "archives.Mercy"),
        (6, "archives.north.url"),
        (7, "archives.north.deadline_s"),
        (8, "archives.north.ca_fil"),
        (9, "archives.south"),
    ]


def test_a_misspelt_key_is_a_fault_that_names_the_right_one():
    """A misspelt ca_file that is passed over would be a trap: the connection would not be what was written."""
    assert "did you mean ca_file?" in only_fault('url = "https://x"\nca_fil = "/x"').message


@pytest.mark.parametrize("key", ["password", "token", "Client-Secret", "api_key"])
def test_an_inline_secret_is_refused_with_what_to_write_and_never_repeated(key):
    """facts/tray.md 4.2: no inline secrets, ever."""
    fault = only_fault(f'url = "https://x"\n{key} = "hunter2"')
    assert "keyring:NAME" in fault.message
    assert "env:VARIABLE" in fault.message
    assert "file:/absolute/path" in fault.message
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize(
    ("entry", "key", "words"),
    [
        ('url = "pacs.example.org"', "url", "starts with https://"),
        ('url = "https://"', "url", "starts with https://"),
        ('url = "https://u:hunter2@x/rs"', "url", "without user name and password"),
        ('url = "https://x/rs?a=1"', "url", "without ? and #"),
        ('url = "https://x/rs#a"', "url", "without ? and #"),
        ('url = "https://x/ rs"', "url", "without spaces"),
        ('url = "https://x:99999/"', "url", "not a web address"),
        ('url = "https://[x"', "url", "not a web address"),
        ('url = ["https://x"]', "url", "text in quotes"),
        ("title = 1\nurl = 'https://x'", "title", "text in quotes"),
        ('title = "a\\nb"\nurl = "https://x"', "title", "one line"),
        ('folder = "relative/path"', "folder", "whole path"),
        ('folder = ""', "folder", "remove the line"),
        ('url = "https://x"\nfolder = "/x"', "folder", "either a url or a folder"),
        ('folder = "/x"\nauth = "none"', "auth", "no use with a folder"),
        ('title = "x"', "", "the address is missing"),
        ('url = "https://x"\nauth = "digest"', "auth", "none, basic, bearer, header, oauth2"),
        ('url = "https://x"\nauth = "bearer"', "auth", "keyring:NAME"),
        ('url = "https://x"\nauth = "basic"\nsecret = "env:X"', "auth", "user"),
        ('url = "https://x"\nuser = "x"', "user", 'auth = "basic"'),
        ('url = "https://x"\nauth = "bearer"\nsecret = "hunter2"', "secret", "never stands in this file"),
        ('url = "https://x"\nauth = "bearer"\nsecret = "keyring:"', "secret", "never stands in this file"),
        ('url = "https://x"\nauth = "bearer"\nsecret = "vault:hunter2"', "secret", "never stands in this file"),
        ('url = "https://x"\nauth = "bearer"\nsecret = "env:A B"', "secret", "name of a variable"),
        ('url = "https://x"\nauth = "bearer"\nsecret = "file:hunter2"', "secret", "whole path from the root"),
        ('url = "https://x"\nauth = "header"\nsecret = "env:X"\nheader = "X Key"', "header", "X-Api-Key"),
        ('url = "https://x"\nclient_key = "/k"', "client_key", "client_cert"),
        ('url = "https://x"\ndeadline_s = 0', "deadline_s", "from 0.1 to 300"),
        ('url = "https://x"\ndeadline_s = nan', "deadline_s", "from 0.1 to 300"),
        ('url = "https://x"\ndeadline_s = true', "deadline_s", "from 0.1 to 300"),
        ('url = "https://x"\nmax_connections = 0', "max_connections", "from 1 to 64"),
        ('url = "https://x"\nmax_bytes = 1.5e6', "max_bytes", "whole number"),
        ('url = "https://x"\nmax_rows = 10', "max_rows", "from 100"),
        ('url = "https://x"\nenabled = "yes"', "enabled", "true or false"),
        ('url = "https://x"\nviewer_url = "https://v/?s="', "viewer_url", "{study}"),
        ('url = "https://x"\nviewer_url = "javascript:{study}"', "viewer_url", "starts with https://"),
        ('url = "https://x"\nenabled = false\ndeadline_s = 0', "deadline_s", "from 0.1"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_what_to_write(entry, key, words):
    """contract.md §7; no message repeats a value, which might be a secret."""
    fault = only_fault(entry)
    assert fault.key == (f"archives.a.{key}" if key else "archives.a")
    assert words in fault.message
    assert "hunter2" not in str(fault)


def test_every_sign_in_with_what_it_needs_is_taken():
    """contract.md §7."""
    text = """
[archives.a]
url = "http://a"
[archives.b]
url = "https://b/"
auth = "bearer"
secret = "env:TOKEN"
[archives.c]
url = "https://c"
auth = "header"
header = "X-Api-Key"
secret = "file:/run/secret"
[archives.d]
url = "https://[::1]:8443/dicom-web/"
auth = "oauth2"
token_url = "https://sso/token"
client_id = "federator"
scope = "dicom"
secret = "keyring:d"
client_cert = "/c.pem"
client_key = "/k.pem"
"""
    a, b, c, d = parse(text).archives
    assert (a.auth, b.auth, c.auth, d.auth) == (
        AuthMethod.NONE,
        AuthMethod.BEARER,
        AuthMethod.HEADER,
        AuthMethod.OAUTH2,
    )
    assert b.url == "https://b"
    assert d.url == "https://[::1]:8443/dicom-web"
    assert str(c.secret) == "file:/run/secret"


def test_a_newer_file_is_named_as_such_and_nothing_else_is_judged():
    """facts/tray.md 5.4: newer than we know is read-only."""
    (fault,) = faults_of('schema_version = 2\nnovelty = 1\n[archives.A]\nlink = "x"')
    assert fault.line == 1
    assert "newer version" in fault.message


@pytest.mark.parametrize("value", ['"1"', "true", "0", "1.0"])
def test_a_schema_version_that_is_no_number_is_a_fault(value):
    """facts/tray.md 5.4."""
    (fault,) = faults_of(f"schema_version = {value}")
    assert fault.key == "schema_version"


@pytest.mark.parametrize("text", ["archives = 1", "[[archives]]\nname = 'a'", "[archives]\na = 'https://x'"])
def test_archives_that_are_no_tables_are_told_how_to_be_written(text):
    """contract.md §7."""
    (fault,) = faults_of(text)
    assert "[archives." in fault.message


def test_a_syntax_error_is_told_with_line_and_column():
    """facts/tray.md 5.2: a broken file is told by line and column."""
    (fault,) = faults_of('[archives.a]\nurl = "https://x\n')
    assert fault.line == 2
    assert "column" in fault.message
    (fault,) = faults_of("a = [")
    assert "end of the file" in fault.message


def test_a_number_without_end_is_a_fault_and_no_crash():
    """contract.md §6; found by fuzzing: Python refuses to read more than 4,300 digits, whatever asks it to."""
    (fault,) = faults_of("a = " + "1" * 5000)
    assert "too many digits" in fault.message


def test_nesting_without_end_is_a_fault_and_no_crash():
    """contract.md §6: the operator must act, and is told."""
    (fault,) = faults_of("a = " + "[" * 5000)
    assert "nested too deeply" in fault.message


def test_byte_order_mark_and_windows_line_ends_are_read():
    """facts/tray.md 5.2: Notepad writes both, and tomllib takes no byte order mark."""
    content = b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode()
    assert parse(decode(content)) == parse(CONTRACT)


def test_a_file_in_another_encoding_is_a_fault_with_its_line():
    """TOML v1.0: a document is UTF-8."""
    with pytest.raises(ConfigError, match="line 2: this is not UTF-8"):
        decode(b'[archives.a]\ntitle = "M\xfcnchen"\n')


def test_a_file_without_end_is_not_read(tmp_path):
    """house.md: no unbounded read."""
    path = tmp_path / "archives.toml"
    path.write_bytes(b"#" * 1_048_577)
    with pytest.raises(ConfigError, match="larger than 1,048,576 bytes"):
        load(path)


def test_a_missing_and_an_unreadable_file_are_told_by_name(tmp_path):
    """contract.md §6."""
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        load(tmp_path / "archives.toml")
    assert caught.value.path == str(tmp_path / "archives.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_an_environment_without_a_home_is_told_and_no_crash(monkeypatch):
    """contract.md §6."""
    if sys.platform == "win32":
        pytest.skip("there, ~ of an unknown user is a path like another")
    monkeypatch.setenv("HOME", os.environ.get("HOME", "/"))
    assert "home folder" in only_fault('folder = "~no-such-user-here/x"').message


def test_the_names_of_archives_are_the_tags_of_uids():
    """contract.md §1: one grammar for both, kept on two floors."""
    for name in ("a", "a-1", "0", "x" * 32, "x" * 33, "-a", "A", "", "a_b", "ä", "a\n", "a b"):
        assert is_name(name) == is_archive_name(name), name


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("[t]\n\n# c\n[t.u]\nk = 1", ("t", "u", "k"), 5),
        ("[t]\na.b.c = 1\na.d = 2", ("t", "a", "d"), 3),
        ('t = { a = 1,  "b c" = 2 }', ("t", "b c"), 1),
        ('x = """\n[t]\nk = 1\n"""\n[t]\nk = 2', ("t", "k"), 6),
        ("x = [\n  1,\n  2,\n]\ny = 1", ("x",), 1),
        ("[[l]]\nk = 1", ("l",), 1),
        ("[\"t.u\"]\n'k k' = 1", ("t.u", "k k"), 2),
        ("[t.u]\n[t.v]", ("t",), 1),
        ("a = 1\r\n[t]\r\nk = 1\r\n", ("t", "k"), 3),
        ("a = 1", ("b",), None),
        ("a = 1", (), None),
    ],
)
def test_the_line_of_a_key_is_found_however_it_is_written(text, path, line):
    """contract.md §6: by key; tomllib tells no line."""
    assert line_of(text, path) == line


def faults_or_none(read: Callable[[], Config]) -> tuple[ConfigFault, ...]:
    try:
        read()
    except ConfigError as error:
        return error.faults
    return ()


toml_values = st.one_of(
    st.text(max_size=12),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.booleans(),
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=1),
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(ARCHIVE_KEYS)), toml_values)
def test_any_value_is_either_read_or_told_as_a_fault(key, value):
    """contract.md §6: the operator's mistakes are never a crash."""
    from tomlkit import dumps

    text = dumps({"archives": {"a": {key: value}}})
    faults = faults_or_none(lambda: parse(text))
    assert all(fault.line is not None for fault in faults)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_either_read_or_told_as_a_fault(content):
    """contract.md §6: the operator's mistakes are never a crash."""
    assert all(fault.message for fault in faults_or_none(lambda: parse(decode(content))))
