"""The proxy for an origin."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from entrakit.http.failures import unusable_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.http.address import Origin

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}


class Proxy(NamedTuple):
    """A proxy.

    Args:
        scheme: `http`, `https`, `socks5`, `socks5h`, `socks4` or `socks4a`.
        host: Name, or IP address without brackets.
        port: Port.
        username: User name; empty for none.
        password: Password.
    """

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.shown()})"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS."""
        return self.scheme.startswith("socks")

    @property
    def headers(self) -> dict[str, str]:
        """The header fields for the proxy itself: the user name and the password (RFC 7617)."""
        if not self.username:
            return {}
        return {"Proxy-Authorization": f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"}

    def shown(self) -> str:
        """Return host and port for messages."""
        return f"{self.host}:{self.port}"


def proxy_for(origin: Origin, given: str | None, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an origin; None for a direct connection."""
    del origin
    address = given or environ.get("https_proxy") or environ.get("HTTPS_PROXY") or ""
    if not address:
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in PORTS or not parts.hostname:
        raise unusable_proxy()
    return Proxy(
        parts.scheme, parts.hostname, port or PORTS[parts.scheme],
        unquote(parts.username or ""), unquote(parts.password or ""),
    )  # fmt: skip
