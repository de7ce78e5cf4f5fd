"""The configuration: which archives there are, how to reach each one, and where the file lives."""

from federator.config.archives import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.config.environment import from_environment
from federator.config.places import default_path, runtime_path, state_path
from federator.config.reader import SCHEMA_VERSION, SIGN_IN_KEYS, WEB_ONLY_KEYS, decode, load, parse, sign_in_keys
from federator.config.source import ConfigSource, resolve
from federator.config.values import ARCHIVE_KEYS, is_name
from federator.errors import ConfigError, ConfigFault

__all__ = [
    "ARCHIVE_KEYS",
    "SCHEMA_VERSION",
    "SIGN_IN_KEYS",
    "WEB_ONLY_KEYS",
    "Archive",
    "AuthMethod",
    "Config",
    "ConfigError",
    "ConfigFault",
    "ConfigSource",
    "SecretReference",
    "SecretStore",
    "decode",
    "default_path",
    "from_environment",
    "is_name",
    "load",
    "parse",
    "resolve",
    "runtime_path",
    "sign_in_keys",
    "state_path",
]
