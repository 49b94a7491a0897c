"""PKCS#11 URIs (RFC 7512): which token, which object on it, which module, and where the PIN is.

pkcs11:token=Signing%20card;object=app?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_ATTRIBUTES = frozenset({
    "token", "manufacturer", "serial", "model", "library-manufacturer", "library-description", "library-version",
    "object", "type", "id", "slot-manufacturer", "slot-description", "slot-id",
})  # fmt: skip
QUERY_ATTRIBUTES = frozenset({"pin-source", "module-name", "module-path"})
_REMEDY = "Write it like pkcs11:token=NAME;object=NAME, with a percent sign for each special character (RFC 7512)."
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_-]+=[A-Za-z0-9_.~:\[\]@!$'()*+,=&/?|%-]*")


class Pkcs11Uri(NamedTuple):
    """What a URI names; what it leaves out fits everything.

    Args:
        attributes: Attributes of token, object, slot and library by name, as text.
        object_id: The object's `CKA_ID`; None if any will do.
        pin_source: Where the PIN is: `env:NAME`, `file:/path` or a path; empty if nothing is said.
        module_path: The module's file; empty if any will do.
        module_name: The module's name without path and ending; empty if any will do.
    """

    attributes: Mapping[str, str]
    object_id: bytes | None = None
    pin_source: str = ""
    module_path: str = ""
    module_name: str = ""

    def fits(self, seen: Mapping[str, str]) -> bool:
        """Return whether everything that it names is as in `seen`; what is not in `seen` is not compared."""
        return all(seen[name] == value for name, value in self.attributes.items() if name in seen)


ANY = Pkcs11Uri({})


def parse_uri(text: str) -> Pkcs11Uri:
    """Return what a URI names.

    Args:
        text: The URI.

    Raises:
        ParameterError: It is none, names something twice, names an object that is no certificate or private key, or
            holds the PIN itself; the error does not repeat it.
    """
    scheme, _, rest = text.strip().partition(":")
    if scheme.lower() != "pkcs11":
        raise ParameterError("This is no PKCS#11 URI.", remedy=_REMEDY)
    path, _, query = rest.partition("?")
    attributes = _pairs(path, ";", PATH_ATTRIBUTES)
    options = _pairs(query, "&", QUERY_ATTRIBUTES)
    if attributes.get("type", b"cert") not in (b"cert", b"private"):
        raise ParameterError("The PKCS#11 URI names neither a certificate nor a private key.", remedy=_REMEDY)
    object_id = attributes.pop("id", None)
    attributes.pop("type", None)
    return Pkcs11Uri(
        {name: _text(value) for name, value in attributes.items()},
        object_id,
        _text(options.get("pin-source", b"")),
        _text(options.get("module-path", b"")),
        _text(options.get("module-name", b"")),
    )


def _pairs(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, _, value = part.partition("=")
        if name == "pin-value":
            raise ParameterError(
                "A PIN does not belong into a URI, where other programs see it.",
                remedy="Name a file with pin-source=file:/path, or give it as the certificate's password.",
            )
        if not _ATTRIBUTE.fullmatch(part) or re.search("%(?![0-9A-Fa-f]{2})", value) or name in found:
            raise ParameterError("The PKCS#11 URI is not well formed.", remedy=_REMEDY)
        # Vendors may add attributes of their own, which an application ignores (RFC 7512, 2.3).
        if name in known:
            found[name] = unquote_to_bytes(value)
        elif not name.startswith("x-"):
            raise ParameterError(f"The PKCS#11 URI has an attribute that is not known: {name}.", remedy=_REMEDY)
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParameterError("The PKCS#11 URI is not UTF-8 text.", remedy=_REMEDY) from error
