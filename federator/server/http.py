"""Streamable HTTP: stateless, on loopback unless told otherwise, closed to pages of other origins."""

import ipaddress
import socket
import sys
from collections.abc import Sequence

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from federator.errors import ConfigError, ConfigFault
from federator.server.endpoint import Endpoint
from federator.server.limits import BoundedBody, Limits, protocol_within

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_GRACE_S = 5


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT` as a pair, `[::1]:8080` too; port 0 lets the operating system choose."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the largest TCP port
        raise ConfigError([ConfigFault(key="--http", message=f"'{text}' is not HOST:PORT, for example 127.0.0.1:8080")])
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach a service on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def http_app(endpoint: Endpoint, *, port: int, allowed_hosts: Sequence[str] = ()) -> Starlette:
    """The ASGI application at `/mcp`.

    It answers requests whose Host is this computer's loopback at `port` or one of `allowed_hosts`, and no Origin
    but those: a page in a browser must not reach patients' data by rebinding a name.
    """
    hosts = [f"{name}:{port}" for name in _LOOPBACK_NAMES] + list(allowed_hosts)
    return endpoint.streamable_http_app(
        stateless_http=True,
        json_response=False,  # plain JSON would drop progress and cancellation
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=hosts,
            allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
        ),
    )


async def serve_http(
    endpoint: Endpoint,
    *,
    host: str,
    port: int,
    allow_remote: bool = False,
    allowed_hosts: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
) -> None:
    """Serve until interrupted; prints the address to stderr when it listens.

    There is no sign-in here: whoever reaches the port reads the archives. So a host that others can reach is
    refused with a ConfigError unless `allow_remote`, and then belongs behind a gateway that signs people in.
    """
    if not allow_remote and not is_loopback(host):
        told = (
            f"{host} can be reached from other computers, and this service has no sign-in of its own. Use 127.0.0.1, "
            "or put a gateway that signs people in before it and say --allow-remote --allowed-host NAME:PORT"
        )
        raise ConfigError([ConfigFault(key="--http", message=told)])
    listener = _listen(host, port)
    bound = listener.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            BoundedBody(http_app(endpoint, port=bound, allowed_hosts=allowed_hosts), max_bytes=limits.body_bytes),
            http=protocol_within(limits),
            ws="none",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    shown = f"[{host}]" if ":" in host else host
    print(f"federator listens on http://{shown}:{bound}/mcp", file=sys.stderr, flush=True)  # noqa: T201 - for the person who started it
    await server.serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        if sys.platform != "win32":  # there it would let another process take the port over
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Connections wait from now on, so that the address may be told before the server takes them.
        listener.listen()
    except OSError as error:
        told = f"cannot listen on {host}:{port}: {error.strerror or type(error).__name__}"
        raise ConfigError([ConfigFault(key="--http", message=told)]) from error
    return listener
