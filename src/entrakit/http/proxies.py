"""Proxies: which one requests to an origin use, decided by a parameter, the environment, and the system's settings.

In this order, the first that is set decides:

    `proxy`                       an address without a user name; requests to every origin use it
    https_proxy, HTTPS_PROXY      an address, perhaps with a user name and a password
    all_proxy, ALL_PROXY          likewise
    the settings of the system    on Windows and macOS, if the environment contains no variable for proxies

An address is a URL, or host and port of an HTTP proxy, as curl reads them. A host alone is refused.

An empty variable is the same as a missing one, except that an empty `https_proxy` hides `HTTPS_PROXY`, as in Python.

`no_proxy` or `NO_PROXY` lists, with commas or spaces between them, the origins that are connected to without a proxy.
Programs read it in different ways. Here an entry covers every origin that it covers for curl, Go, Python or httpx:

    *                                    every origin
    contoso.com                          this name and the names below it
    .contoso.com, *.contoso.com          the same; Go and httpx leave out contoso.com itself, curl and Python do not
    10.1.2.3, ::1, [::1]                 this IP address
    10.0.0.0/8, fd00::/8                 the IP addresses of this network (CIDR)
    contoso.com:8443, [::1]:8443         the same on this port only

Upper and lower case are equal, and so are the two forms of an internationalized name. A name is never resolved to
compare its address. Requests to this machine use the proxy as well, unless an entry covers them. Entries that can't be
read are ignored.
"""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from entrakit.http.address import Origin, ascii_host
from entrakit.http.failures import unusable_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}
# The desktop of GNOME writes `socks://`, and means any version, with names that the proxy resolves.
_ALIASES = {"socks": "socks5h"}

# A password may contain any sign, so the last @ ends it.
_ADDRESS = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://)?(?:(.*)@)?(\[[0-9a-f:.]+\]|[^\s:/?#@\\\[\]]+)(?::([0-9]{1,5}))?/?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Proxy(NamedTuple):
    """A proxy. User name and password are not part of its string forms.

    Args:
        scheme: `http`, `https`, `socks5`, `socks5h`, `socks4` or `socks4a`. With `socks5h` and `socks4a` the proxy
            resolves the names of servers, with `socks5` and `socks4` this machine does.
        host: Name in ASCII, or IP address without brackets.
        port: Port.
        username: User name; empty for none.
        password: Password.
    """

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = ""

    @property
    def is_socks(self) -> bool:
        """Whether its protocol is SOCKS; else it is HTTP."""
        return self.scheme.startswith("socks")

    @property
    def headers(self) -> dict[str, str]:
        """The header fields for the proxy itself: user name and password, in UTF-8 (RFC 7617)."""
        if not self.username and not self.password:
            return {}
        return {"Proxy-Authorization": f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"}

    def shown(self) -> str:
        """Return host and port for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Proxy({self.scheme}://{self.shown()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Proxy can't be pickled: it would leave memory unencrypted")


def proxy_for(origin: Origin, given: str | None, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to an origin; None if they are sent directly.

    Args:
        origin: The origin.
        given: Address of a proxy for every origin; None or an empty string to follow the environment.
        environ: Environment variables.

    Raises:
        ParameterError: The address of the proxy can't be used.
    """
    if given:
        return _parse(given, "`proxy`")
    for lower in ("https_proxy", "all_proxy"):
        name, address = _variable(lower, environ)
        if address:
            no_proxy = _variable("no_proxy", environ)[1]
            return None if is_exempt(origin, no_proxy) else _parse(address, name)
    return _system_proxy(origin, environ) if sys.platform in ("win32", "darwin") else None


def is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Return whether a value of `NO_PROXY` covers an origin.

    Args:
        origin: The origin.
        no_proxy: Entries with commas or white space between them.
    """
    return any(entry == "*" or _covers(entry.lower(), origin) for entry in no_proxy.replace(",", " ").split())


def _variable(lower: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the value of a variable, whose name in lower case comes first; two empty strings if unset."""
    name = next((name for name in (lower, lower.upper()) if name in environ), "")
    return name, environ[name].strip() if name else ""


def _covers(entry: str, origin: Origin) -> bool:
    """Return whether an entry of `NO_PROXY`, in lower case and other than `*`, covers an origin."""
    host, _, bits = entry.removeprefix("https://").removeprefix("all://").partition("/")
    port = ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if port and port != str(origin.port):
        return False
    # A name never ends in a digit label, so this is an IP address.
    if origin.host[0] == "[" or origin.host.rpartition(".")[2].isdigit():
        from ipaddress import ip_address, ip_network

        try:
            return ip_address(origin.host.strip("[]")) in ip_network(f"{host}/{bits}" if bits else host, strict=False)
        except ValueError:
            return False
    name = host.removeprefix("*.").strip(".")
    if not name.isascii():
        name = ascii_host(name)
    return bool(name) and not bits and f".{origin.host}".endswith(f".{name}")


def _system_proxy(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that the settings of Windows or macOS name; None if there is none for this origin."""
    if any(name.lower().endswith("_proxy") and value for name, value in environ.items()):
        return None
    from urllib.request import getproxies, proxy_bypass

    address = getproxies().get("https")
    return None if not address or proxy_bypass(origin.host) else _parse(address, "the system's settings")


def _parse(address: str, place: str) -> Proxy:
    """Return the proxy at an address. Raises ParameterError, which names its place, if the address can't be used."""
    found = _ADDRESS.fullmatch(address.strip())
    # A word alone, such as `on`, is rarely a proxy, and programs disagree about its port.
    if found is None or not (found[1] or found[4]):
        raise unusable_proxy(place)
    scheme = (found[1] or "http").lower()
    scheme = _ALIASES.get(scheme, scheme)
    host = found[3] if found[3].isascii() else ascii_host(found[3])
    # Origin knows the rules for hosts and ports.
    origin = Origin.of(f"https://{host}:{found[4] or PORTS.get(scheme, 0)}")
    username, _, password = (found[2] or "").partition(":")
    try:
        username, password = unquote_to_bytes(username).decode(), unquote_to_bytes(password).decode()
    except UnicodeError:
        raise unusable_proxy(place) from None
    # RFC 7617, section 2: no control characters, and no colon in a user name.
    if scheme not in PORTS or origin is None or _CONTROL.search(username + password) or ":" in username:
        raise unusable_proxy(place)
    return Proxy(scheme, origin.host.strip("[]"), origin.port, username, password)
