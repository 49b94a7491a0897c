"""Addresses: the origin of an https address, which decides where a token may be sent, and parts for messages.

An origin is a host and a port, because the scheme is always https (RFC 6454). Origins are compared as parsed values
and never as strings. The grammar is stricter than that of RFC 3986, so that no HTTP client can read an address in
another way than this module does:

    host        ASCII letters, digits, `-`, `_` and `.`, in any case, or an IPv6 address in brackets. A name that ends
                in a dot is refused, and so is a name that ends in a number and is not an IPv4 address.
    port        1 to 65535 without leading zeros; 443 if it is missing.
    user name   An address with a user name or a password has no origin.
    the rest    Spaces, control characters, backslashes and halves of characters are not allowed anywhere.

`Origin.parse` also accepts the internationalized name of a host, and stores it in its ASCII form (RFC 5891). Addresses
that a service or a user gives later must use the ASCII form.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from entrakit.errors import ParameterError

HTTPS_PORT = 443
LONGEST_NAME = 253
LONGEST_SHOWN = 200

# With re.ASCII, the flag for any case does not match letters such as the Kelvin sign.
_HTTPS = re.compile(
    r"https://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?((?:[/?#][^\x00-\x20\\\x7f\ud800-\udfff]*)?)",
    re.ASCII | re.IGNORECASE,
)
_NOT_ASCII_HOST = re.compile(r"(https://)([^/?#@:\[\]\\\s]+)(.*)", re.IGNORECASE)
# Characters of a path and query that stay as they are; the rest is percent-encoded (RFC 3986).
_TARGET_SIGNS = "%/?:@!$&'()*+,;=~-._[]"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_ORIGIN_REMEDY = "Give scheme, host and port only, such as https://login.microsoftonline.us."


class Origin(NamedTuple):
    """The origin of https addresses.

    Args:
        host: Name or IP address in ASCII and lower case; an IPv6 address in its short form and in brackets.
        port: Port.
    """

    host: str
    port: int = HTTPS_PORT

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Return the origin from a string that consists of it, such as `https://localhost:8443`.

        Raises:
            ParameterError: It is not the address of a service, has a path or more, or is not https.
        """
        origin, path = parse_base(text, remedy=_ORIGIN_REMEDY)
        if path:
            raise _not_a_base(text, "it has a path, and the tenant is a separate parameter", _ORIGIN_REMEDY)
        return origin

    @classmethod
    def of(cls, url: str) -> Origin | None:
        """Return the origin of an address; None if it is not an https address that every client reads alike."""
        found = _HTTPS.fullmatch(url)
        return None if found is None else _origin(found[1].lower(), int(found[2] or HTTPS_PORT))

    def owns(self, url: str) -> bool:
        """Return whether an address is on this origin, so that it may see what is meant for this origin."""
        return Origin.of(url) == self

    def on_this_machine(self) -> tuple[Origin, ...]:
        """Return the origins that mean the same server: all names of the loopback interface, or only this origin."""
        if self.host not in _LOOPBACK:
            return (self,)
        return tuple(Origin(name, self.port) for name in _LOOPBACK)

    def shown(self) -> str:
        """Return host and port for messages; the port only if it is not 443."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"https://{self.shown()}"


def parse_base(text: str, *, remedy: str) -> tuple[Origin, str]:
    """Return the origin and the path of an address below which other addresses are made.

    Args:
        text: Address such as `https://api.contoso.com/v1`, without a query.
        remedy: Advice for the error message.

    Returns:
        The origin, and the path without a slash at its end; empty if there is none.

    Raises:
        ParameterError: It is not such an address.
    """
    text = text.strip()
    if text[:8].lower() != "https://" and "://" in text:
        raise _not_a_base(text, "it is not an https address", remedy)
    found = _HTTPS.fullmatch(text if text.isascii() else _in_ascii(text))
    origin = None if found is None else _origin(found[1].lower(), int(found[2] or HTTPS_PORT))
    if found is None or origin is None or "?" in found[3] or "#" in found[3]:
        raise _not_a_base(text, _flaw_of(text), remedy)
    return origin, found[3].rstrip("/")


def shown_host(url: str) -> str:
    """Return host and port of any address for messages: printable, short, and without a password."""
    origin = Origin.of(url)
    if origin is not None:
        return origin.shown()
    rest = url.partition("://")[2]
    end = next((index for index, letter in enumerate(rest) if letter in "/?#"), len(rest))
    host = rest[:end].rpartition("@")[2].lower()
    from entrakit.shown_text import one_line

    return one_line(host, LONGEST_SHOWN)


def path_and_query(url: str) -> str:
    """Return the part of an address after its origin, such as `/v1.0/users?$top=5`."""
    rest = url.partition("://")[2]
    end = next((index for index, letter in enumerate(rest) if letter in "/?#"), len(rest))
    return rest[end:]


def request_target(url: str) -> str:
    """Return the path and the query of an address in ASCII, as a request contains them (RFC 9112, 3.2.1)."""
    target = path_and_query(url).partition("#")[0]
    if not target.isascii():
        from urllib.parse import quote

        target = quote(target, safe=_TARGET_SIGNS)
    return target if target.startswith("/") else f"/{target}"


def path_of(url: str) -> str:
    """Return the path of an address, such as `/v1.0/users`."""
    return without_query(path_and_query(url))


def ascii_host(name: str) -> str:
    """Return the ASCII form of an internationalized host name (RFC 5891); an empty string if it has none."""
    import idna

    try:
        return idna.encode(name.lower(), strict=True).decode("ascii")
    except UnicodeError:
        return ""


def without_query(url: str) -> str:
    """Return an address without its query, which may contain private values."""
    return url.partition("?")[0].partition("#")[0]


def _origin(host: str, port: int) -> Origin | None:
    """Return the origin of a host in lower case; None if the host or the port is not valid."""
    if port > 65535:
        return None
    if host[0] == "[":
        host = _short_ipv6(host)
    else:
        labels = host.split(".")
        if len(host) > LONGEST_NAME or not all(labels) or (labels[-1].isdigit() and not _is_ipv4(labels)):
            return None
    return Origin(host, port) if host else None


def _is_ipv4(labels: list[str]) -> bool:
    """Return whether the labels of a host are those of an IPv4 address, without leading zeros."""
    return len(labels) == 4 and all(one.isdigit() and one == str(int(one)) and int(one) < 256 for one in labels)


def _short_ipv6(host: str) -> str:
    """Return an IPv6 address in brackets in its shortest form (RFC 5952); empty if it is not one."""
    from ipaddress import AddressValueError, IPv6Address

    try:
        return f"[{IPv6Address(host[1:-1])}]"
    except AddressValueError:
        return ""


def _in_ascii(text: str) -> str:
    """Return an address with its host in ASCII; an empty string if the host has no ASCII form."""
    found = _NOT_ASCII_HOST.fullmatch(text)
    host = ascii_host(found[2]) if found else ""
    return f"{found[1]}{host}{found[3]}" if found and host else ""


def _without_user(text: str) -> str:
    """Return an address for messages; only its host if it contains a user name, and perhaps a password."""
    return shown_host(text) if "@" in text else text


def _flaw_of(text: str) -> str:
    """Return the reason why an address is not the address of a service, as a clause."""
    if text[:8].lower() != "https://":
        return "it does not begin with https://"
    if "@" in re.split(r"[/?#]", text[8:])[0]:
        return "it contains a user name, which is not shown here"
    if "?" in text or "#" in text:
        return "it has a query or a fragment"
    return "its host or its port is invalid"


def _not_a_base(text: str, flaw: str, remedy: str) -> ParameterError:
    return ParameterError(f"{_without_user(text)!r} is not the address of a service: {flaw}.", remedy=remedy)
