"""Which proxy a request takes: decided in one place, so that a check names the one that the client uses.

`NO_PROXY` is honoured as curl and Go do it: names with all below them, addresses, ranges (10.0.0.0/8, fd00::/8), with a
port where one is named, `*` for everything. httpx takes neither ranges nor bare IPv6 addresses.
"""

import ipaddress
import re
import sys
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "folder.invalid"})
_PORTS = {"http": 80, "https": 443}
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):([0-9]{1,5})")


def proxy_for(scheme: str, host: str, port: int | None = None) -> str:
    """The address of the proxy between this computer and a host, as its environment has it; empty for none."""
    if host in _LOOPBACK:
        return ""
    proxies = getproxies()
    address = proxies.get(scheme) or proxies.get("all") or ""
    if not address or _is_excepted(host, port or _PORTS.get(scheme, 0), proxies.get("no", "")):
        return ""
    if sys.platform in {"win32", "darwin"} and proxy_bypass(host):
        return ""  # what the system's own settings except
    return address if "://" in address else f"http://{address}"


def shown(address: str) -> str:
    """A proxy as HOST:PORT, without the sign-in that may stand in its address; empty for none."""
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 80)}" if address and parts.hostname else ""


def _is_excepted(host: str, port: int, no_proxy: str) -> bool:
    return any(_covers(entry, host.lower(), port) for entry in no_proxy.lower().replace(",", " ").split())


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    named = _WITH_PORT.fullmatch(entry)
    if named:
        if int(named[2]) != port:
            return False
        entry = named[1]
    entry = entry.replace("[", "").replace("]", "").rstrip(".")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        name = entry.removeprefix("*").lstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
