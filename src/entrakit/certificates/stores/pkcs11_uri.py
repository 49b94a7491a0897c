"""PKCS#11 URIs (RFC 7512), which name a token, an object on it, a module, and the source of the PIN.

pkcs11:token=Signing%20card;object=app?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_ATTRIBUTES = frozenset(
    (
        *("token", "manufacturer", "serial", "model"),
        *("library-manufacturer", "library-description", "library-version"),
        *("object", "type", "id"),
        *("slot-manufacturer", "slot-description", "slot-id"),
    )
)
QUERY_ATTRIBUTES = frozenset({"pin-source", "module-name", "module-path"})
_REMEDY = "Use the form pkcs11:token=NAME;object=NAME, with special characters percent-encoded (RFC 7512)."
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_-]+=[A-Za-z0-9_.~:\[\]@!$'()*+,=&/?|%-]*")


class Pkcs11Uri(NamedTuple):
    """A parsed URI. Attributes that it does not name match any value.

    Args:
        attributes: Attributes of token, object, slot and library by name.
        object_id: `CKA_ID` of the object; None for any.
        pin_source: Source of the PIN: `env:NAME`, `file:/path` or a path; empty if the URI names none.
        module_path: File of the module; empty for any.
        module_name: Name of the module without path and extension; empty for any.
    """

    attributes: Mapping[str, str]
    object_id: bytes | None = None
    pin_source: str = ""
    module_path: str = ""
    module_name: str = ""

    def matches(self, actual: Mapping[str, str]) -> bool:
        """Return whether the attributes of the URI have the values in `actual`; others are not compared."""
        return all(actual[name] == value for name, value in self.attributes.items() if name in actual)


ANY = Pkcs11Uri({})


def parse_uri(text: str) -> Pkcs11Uri:
    """Parse a URI.

    Args:
        text: The URI.

    Raises:
        ParameterError: The text is not a PKCS#11 URI, repeats an attribute, names an object that is neither a
            certificate nor a private key, or contains the PIN. The error does not repeat the PIN.
    """
    scheme, _, rest = text.strip().partition(":")
    if scheme.lower() != "pkcs11":
        raise ParameterError("Not a PKCS#11 URI.", remedy=_REMEDY)
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
                "The PKCS#11 URI contains a PIN, which other programs can see.",
                remedy="Name a file with pin-source=file:/path, or give the PIN with `certificate_password`.",
            )
        if not _ATTRIBUTE.fullmatch(part) or re.search("%(?![0-9A-Fa-f]{2})", value) or name in found:
            raise ParameterError("The PKCS#11 URI is malformed.", remedy=_REMEDY)
        # Applications ignore the attributes that vendors add (RFC 7512, 2.3).
        if name in known:
            found[name] = unquote_to_bytes(value)
        elif not name.startswith("x-"):
            raise ParameterError(f"The PKCS#11 URI has an unknown attribute: {name}.", remedy=_REMEDY)
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParameterError("The PKCS#11 URI is not UTF-8.", remedy=_REMEDY) from error
