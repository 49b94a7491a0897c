"""How people name a certificate: by thumbprint, or by subject, pasted from wherever they found it.

A subject is compared as what it says, not as text: attribute types by their object identifier, values without quotes
and escapes, whatever their case and spacing, in any order. Attributes joined by `+` count like others.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeAlias

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.x509 import Name as X509Name

Name: TypeAlias = tuple[tuple[str, str], ...]

COMMON_NAME = "2.5.4.3"

# Attribute types by the names that RFC 4514, OpenSSL, Windows and certtool give them (X.520, RFC 4519, RFC 2985).
_SPELLINGS = {
    COMMON_NAME: "cn commonname",
    "2.5.4.4": "sn surname",
    "2.5.4.5": "serialnumber",
    "2.5.4.6": "c countryname country",
    "2.5.4.7": "l localityname locality",
    "2.5.4.8": "st s sp stateorprovincename state",
    "2.5.4.9": "street streetaddress",
    "2.5.4.10": "o organizationname organization",
    "2.5.4.11": "ou organizationalunitname",
    "2.5.4.12": "title t",
    "2.5.4.13": "description",
    "2.5.4.15": "businesscategory",
    "2.5.4.17": "postalcode",
    "2.5.4.42": "givenname g gn",
    "2.5.4.43": "initials i",
    "2.5.4.44": "generationqualifier",
    "2.5.4.46": "dnqualifier dnq",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationidentifier",
    "0.9.2342.19200300.100.1.1": "uid userid",
    "0.9.2342.19200300.100.1.25": "dc domaincomponent",
    "1.2.840.113549.1.9.1": "e email emailaddress",
    "1.2.840.113549.1.9.2": "unstructuredname",
}
_OIDS = {name: oid for oid, names in _SPELLINGS.items() for name in names.split()}

# One attribute: its type, then a value in quotes or without. Every repetition is possessive, so that hostile text costs
# linear time.
_ATTRIBUTE = re.compile(
    r"""\s*+(?P<type>[A-Za-z0-9.-]++(?:[ ]++[A-Za-z0-9.-]++)*+)\s*+=\s*+
    (?: "(?P<quoted>(?:[^"\\]|""|\\.)*+)"\s* | (?P<plain>(?!")(?:[^,;+\r\n\\]|\\.)*+) )
    (?:[,;+\r\n][,;+\s]*+|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_SLASH = re.compile(r"/(?=[A-Za-z0-9.]+\s*=)")
_ESCAPES = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\(.)", re.DOTALL)


def parse_thumbprint(text: str) -> str:
    """Return a thumbprint as 40 (SHA-1) or 64 (SHA-256) hexadecimal digits in upper case.

    Args:
        text: In any case, with spaces, colons, hyphens, and the invisible characters that copying brings along.

    Raises:
        ParameterError: Something else is in it, or its length is another.
    """
    kept = "".join(letter for letter in text if not _is_filling(letter)).upper()
    strange = sorted({letter for letter in kept if letter not in "0123456789ABCDEF"})
    if strange:
        raise ParameterError(
            f"A thumbprint has hexadecimal digits only, 40 (SHA-1) or 64 (SHA-256); of the {len(kept)} characters "
            f"of this one some are not: {', '.join(ascii(letter) for letter in strange[:5])}.",
            remedy="Copy it again, whole. If it is the name of a certificate, give it as one.",
        )
    if len(kept) not in (40, 64):
        raise ParameterError(
            f"The thumbprint has {len(kept)} hexadecimal digits; SHA-1 has 40, and SHA-256 has 64.",
            remedy="Copy it again, whole.",
        )
    return kept


def parse_name(text: str) -> Name:
    """Return a subject as its attributes, sorted: `CN=app, O=Contoso` equals `o="contoso",commonName=App`.

    Args:
        text: A name as RFC 4514, OpenSSL or Windows writes it; a text without `=` is a common name alone.

    Raises:
        ParameterError: It is empty, or not a name.
    """
    visible = _visible(text)
    if "=" not in visible:
        common = _folded(visible)
        if not common:
            raise ParameterError("The certificate's name is empty.", remedy="Give its subject or its common name.")
        return ((COMMON_NAME, common),)
    attributes = _slashed(visible) if visible.lstrip().startswith("/") else _separated(visible)
    if not attributes:
        raise ParameterError(
            f"{text!r} is not the name of a certificate.",
            remedy='Write it like CN=app, O="Contoso, Ltd.", or give the common name alone.',
        )
    return tuple(sorted(attributes))


def attributes_of(subject: X509Name) -> Name:
    """Return the attributes of a certificate's subject, sorted, as `parse_name` returns them.

    Args:
        subject: The name, of the `cryptography` package; not its text, which a hostile subject could forge.
    """
    return tuple(sorted((one.oid.dotted_string, _folded(_text_of(one.value))) for one in subject))


def shown(subject: X509Name) -> str:
    """Return a subject as text (RFC 4514) that can't play tricks on a terminal or a log.

    What is invisible, line breaks and marks of direction among it, is written as the hexadecimal of its UTF-8, which
    the RFC permits for any character.

    Args:
        subject: The name, of the `cryptography` package.
    """
    return "".join(
        letter
        if letter == " " or letter.isprintable()
        else "".join(f"\\{byte:02X}" for byte in letter.encode("utf-8", "replace"))
        for letter in subject.rfc4514_string()
    )


def matches(text: str, subject: Name) -> bool:
    """Return whether a subject is the one that a text names: the same attributes, or that common name.

    Args:
        text: A whole subject, or a common name alone.
        subject: The attributes of a certificate's subject.

    Raises:
        ParameterError: The text can't be a name.
    """
    wanted = parse_name(text)
    return wanted == subject if "=" in text else wanted[0] in subject


def _slashed(text: str) -> list[tuple[str, str]]:
    """Return the attributes of OpenSSL's old form, `/C=DE/CN=app`, which knows neither quotes nor escapes."""
    parts = [part.partition("=") for part in _SLASH.split(text)[1:]]
    return [(_type(kind), _folded(value)) for kind, _, value in parts]


def _separated(text: str) -> list[tuple[str, str]]:
    """Return the attributes of a name in the form of RFC 4514 or Windows; none if it is not in that form."""
    attributes = []
    position = 0
    while position < len(text):
        found = _ATTRIBUTE.match(text, position)
        if found is None:
            return []
        quoted = found["quoted"]
        value = found["plain"] if quoted is None else quoted.replace('""', '"')
        attributes.append((_type(found["type"]), _folded(_ESCAPES.sub(_unescaped, value))))
        position = found.end()
    return attributes


def _type(kind: str) -> str:
    name = "".join(kind.split()).lower().removeprefix("oid.")
    return _OIDS.get(name, name)


def _unescaped(found: re.Match[str]) -> str:
    """Return what an escape stands for: a character, or bytes of UTF-8 in hexadecimal (RFC 4514, 2.4)."""
    return found[1] or bytes.fromhex(found[0].replace("\\", "")).decode("utf-8", "replace")


def _text_of(value: str | bytes) -> str:
    return value if isinstance(value, str) else f"#{value.hex()}"


def _visible(text: str) -> str:
    """Return a text without the marks that copying from a dialog brings along (zero width, direction, BOM)."""
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def _is_filling(letter: str) -> bool:
    return letter in ":-" or letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Zs", "Pd")


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _visible(text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
