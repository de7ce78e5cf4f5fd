"""Where the configuration comes from, and how a running server takes up a change (contract.md section 7)."""

import os
import sys
from pathlib import Path

import pytest

from federator.config import (
    AuthMethod,
    ConfigSource,
    SecretReference,
    SecretStore,
    default_path,
    from_environment,
    runtime_path,
    state_path,
)
from federator.errors import ConfigError

ONE = '[archives.a]\nurl = "https://a"\n'
TWO = ONE + '[archives.b]\nurl = "https://b"\n'


@pytest.fixture
def path(tmp_path) -> Path:
    file = tmp_path / "archives.toml"
    file.write_text(ONE)
    return file


def names(source: ConfigSource) -> list[str]:
    return [archive.name for archive in source.current().archives]


def test_an_unchanged_file_is_not_read_again(path):
    """facts/tray.md 5.4: only the signature is looked at before each call."""
    source = ConfigSource(path, {})
    assert source.current() is source.current()


def test_a_changed_file_is_taken_up_at_the_next_call(path):
    """contract.md §7."""
    source = ConfigSource(path, {})
    assert names(source) == ["a"]
    path.write_text(TWO)
    assert names(source) == ["a", "b"]
    assert source.note == ""


def test_a_file_that_was_replaced_by_one_of_equal_size_and_time_is_taken_up(path, tmp_path):
    """facts/tray.md 5.4: the inode tells a replaced file."""
    source = ConfigSource(path, {})
    assert names(source) == ["a"]
    status = path.stat()
    fresh = tmp_path / "fresh"
    fresh.write_text(ONE.replace(".a]", ".z]"))
    os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
    fresh.replace(path)
    assert names(source) == ["z"]


@pytest.mark.parametrize("broken", ["[archives.a\n", "", "\ufeff \n", "[archives.a]\nurl = 'x'\n"])
def test_a_broken_or_emptied_file_keeps_the_last_good_one_and_says_so(path, broken):
    """contract.md §7; an empty file is valid TOML with no archives, and mostly a file that is just being written."""
    source = ConfigSource(path, {})
    source.current()
    path.write_text(broken)
    assert names(source) == ["a"]
    assert "not taken up" in source.note
    assert str(path) in source.note
    assert names(source) == ["a"]
    assert source.note
    path.write_text(TWO)
    assert names(source) == ["a", "b"]
    assert source.note == ""


def test_a_file_that_vanishes_keeps_the_last_good_one(path):
    """contract.md §7."""
    for source in (
        ConfigSource(path, {}),
        ConfigSource(None, {"XDG_CONFIG_HOME": "/x", "FEDERATOR_CONFIG": str(path)}),
    ):
        path.write_text(ONE)
        assert names(source) == ["a"]
        path.unlink()
        assert names(source) == ["a"]
        assert "no such file" in source.note


def test_a_file_whose_last_archive_was_removed_on_purpose_is_taken_up(path):
    """facts/tray.md 5.4 speaks of an empty file; one that still has its schema version was written on purpose."""
    source = ConfigSource(path, {})
    source.current()
    path.write_text("schema_version = 1\n")
    assert names(source) == []
    assert source.note == ""


def test_a_file_that_was_never_good_is_an_error_at_every_call_until_it_is_mended(path):
    """contract.md §6: the operator must act."""
    path.write_text("[archives.a]\n")
    source = ConfigSource(path, {})
    for _ in range(2):
        with pytest.raises(ConfigError, match="the address is missing"):
            source.current()
    path.write_text(ONE)
    assert names(source) == ["a"]


def test_the_option_goes_before_the_variable_and_that_before_the_users_place(path, tmp_path):
    """contract.md §7: --config, else FEDERATOR_CONFIG, else the user's place."""
    environment = {"FEDERATOR_CONFIG": str(tmp_path / "named.toml"), "XDG_CONFIG_HOME": str(tmp_path)}
    assert ConfigSource(path, environment).path == path
    assert ConfigSource(None, environment).path == tmp_path / "named.toml"
    del environment["FEDERATOR_CONFIG"]
    assert ConfigSource(None, environment).path == default_path(sys.platform, Path.home(), environment)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="XDG places are Linux's")
def test_without_a_file_the_reference_servers_variables_count_until_there_is_one(tmp_path):
    """contract.md §7."""
    source = ConfigSource(None, {"XDG_CONFIG_HOME": str(tmp_path), "DICOMWEB_HOST": "https://host/dicom-web"})
    assert names(source) == ["dicomweb"]
    source.path.parent.mkdir()
    source.path.write_text(ONE)
    assert names(source) == ["a"]


def test_nothing_configured_at_all_is_told_with_where_to_write(tmp_path):
    """contract.md §6."""
    if sys.platform in {"win32", "darwin"}:
        pytest.skip("XDG places are Linux's")
    source = ConfigSource(None, {"XDG_CONFIG_HOME": str(tmp_path)})
    with pytest.raises(ConfigError, match="no archive is configured") as caught:
        source.current()
    assert caught.value.path == str(tmp_path / "federator" / "archives.toml")


def test_a_chosen_file_that_is_missing_is_never_replaced_by_variables(tmp_path):
    """contract.md §7: the variables count without a file; a file that was named is meant."""
    environment = {"DICOMWEB_HOST": "https://host", "FEDERATOR_CONFIG": str(tmp_path / "x.toml")}
    with pytest.raises(ConfigError, match="no such file"):
        ConfigSource(None, environment).current()


@pytest.mark.parametrize(
    ("environment", "method", "user", "variable"),
    [
        ({}, AuthMethod.NONE, "", ""),
        (
            {"DICOMWEB_AUTH": "Basic", "DICOMWEB_USER": "u", "DICOMWEB_PASS": "p"},
            AuthMethod.BASIC,
            "u",
            "DICOMWEB_PASS",
        ),
        ({"DICOMWEB_AUTH": "basic", "DICOMWEB_USER": "u"}, AuthMethod.NONE, "", ""),
        ({"DICOMWEB_AUTH": "BEARER", "DICOMWEB_TOKEN": "t"}, AuthMethod.BEARER, "", "DICOMWEB_TOKEN"),
        ({"DICOMWEB_AUTH": "bearer"}, AuthMethod.NONE, "", ""),
        ({"DICOMWEB_AUTH": "digest", "DICOMWEB_USER": "u", "DICOMWEB_PASS": "p"}, AuthMethod.NONE, "", ""),
        ({"DICOMWEB_USER": "u", "DICOMWEB_PASS": "p"}, AuthMethod.NONE, "", ""),
    ],
)
def test_the_reference_servers_variables_sign_in_as_it_does(environment, method, user, variable):
    """facts/peers.md 1.7."""
    config = from_environment({"DICOMWEB_HOST": "https://host/dicom-web/", **environment})
    assert config is not None
    (archive,) = config.archives
    assert (archive.name, archive.url) == ("dicomweb", "https://host/dicom-web")
    assert (archive.auth, archive.user) == (method, user)
    secret = SecretReference(store=SecretStore.ENVIRONMENT, name=variable) if variable else None
    assert archive.secret == secret


@pytest.mark.parametrize(
    ("milliseconds", "deadline_s"),
    [("30000", 30.0), ("1", 0.1), ("9e9", 300.0), ("", 10.0), ("0", 10.0), ("-5", 10.0), ("soon", 10.0), ("nan", 10.0)],
)
def test_the_reference_servers_time_limit_is_in_milliseconds_and_stays_bounded(milliseconds, deadline_s):
    """facts/peers.md 1.7; without one the reference server waits for ever, and this one does not."""
    config = from_environment({"DICOMWEB_HOST": "https://host", "DICOMWEB_TIMEOUT": milliseconds})
    assert config is not None
    assert config.archives[0].deadline_s == pytest.approx(deadline_s)


def test_a_host_variable_with_a_password_in_it_is_refused_without_repeating_it():
    """contract.md §6: secrets are in no message."""
    with pytest.raises(ConfigError, match="DICOMWEB_HOST") as caught:
        from_environment({"DICOMWEB_HOST": "https://u:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_no_host_variable_is_no_configuration():
    """facts/peers.md 1.7: DICOMWEB_HOST is required."""
    assert from_environment({"DICOMWEB_HOST": " ", "DICOMWEB_AUTH": "basic"}) is None


HOME = Path("/home/user")


@pytest.mark.parametrize(
    ("platform", "environment", "config", "state", "runtime"),
    [
        ("win32", {}, ".federator/archives.toml", ".federator/state", ".federator/run"),
        (
            "darwin",
            {"XDG_CONFIG_HOME": "/x"},
            "Library/Application Support/federator/archives.toml",
            "Library/Logs/federator",
            "Library/Application Support/federator/run",
        ),
        (
            "linux",
            {},
            ".config/federator/archives.toml",
            ".local/state/federator",
            ".local/state/federator/run",
        ),
        (
            "linux",
            {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"},
            "/c/federator/archives.toml",
            "/s/federator",
            "/r/federator",
        ),
        (
            "linux",
            {"XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": "s", "XDG_RUNTIME_DIR": "r"},
            ".config/federator/archives.toml",
            ".local/state/federator",
            ".local/state/federator/run",
        ),
    ],
)
def test_each_system_has_its_places(platform, environment, config, state, runtime):
    """facts/tray.md 5.1; on Windows never AppData, which is a private copy inside Claude Desktop."""
    assert default_path(platform, HOME, environment) == HOME / config
    assert state_path(platform, HOME, environment) == HOME / state
    assert runtime_path(platform, HOME, environment) == HOME / runtime
