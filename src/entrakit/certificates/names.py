"""Names of certificates: thumbprints and subjects, as users paste them from other programs.

Subjects are parsed and then compared: attribute types by their object identifier, values without quotes and escapes.
Case, white space and the order of attributes make no difference. Attributes joined by `+` are compared like others.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, TypeAlias

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from cryptography.x509 import Name as X509Name

Name: TypeAlias = tuple[tuple[str, str], ...]

COMMON_NAME = "2.5.4.3"

# Names of the attribute types in RFC 4514, OpenSSL, Windows and certtool (X.520, RFC 4519, RFC 2985).
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

# One attribute: its type, then a value with or without quotes. Every repetition is possessive, so that parsing hostile
# text takes linear time.
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
        text: The thumbprint, in upper or lower case. Spaces, colons, hyphens, and invisible characters from copying
            are ignored.

    Raises:
        ParameterError: The thumbprint contains another character, or its length is not possible.
    """
    digits = "".join(letter for letter in text if not _is_separator(letter)).upper()
    invalid = sorted({letter for letter in digits if letter not in "0123456789ABCDEF"})
    if invalid:
        raise ParameterError(
            f"A thumbprint consists of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits. This one has {len(digits)} "
            f"characters, and these are invalid: {', '.join(ascii(letter) for letter in invalid[:5])}.",
            remedy="Copy the complete thumbprint again. Give the name of a certificate with `certificate_name`.",
        )
    if len(digits) not in (40, 64):
        raise ParameterError(
            f"The thumbprint has {len(digits)} hexadecimal digits; SHA-1 has 40, and SHA-256 has 64.",
            remedy="Copy the complete thumbprint again.",
        )
    return digits


def parse_name(text: str) -> Name:
    """Return the sorted attributes of a subject: `CN=app, O=Contoso` has the same as `o="contoso",commonName=App`.

    Args:
        text: A name in the form of RFC 4514, OpenSSL or Windows. A string without `=` is a common name.

    Raises:
        ParameterError: The string is empty, or not a name.
    """
    visible = _visible(text)
    if "=" not in visible:
        common = _folded(visible)
        if not common:
            raise ParameterError("The name of the certificate is empty.", remedy="Give its subject or its common name.")
        return ((COMMON_NAME, common),)
    attributes = _slashed(visible) if visible.lstrip().startswith("/") else _separated(visible)
    if not attributes:
        raise ParameterError(
            f"{text!r} is not the name of a certificate.",
            remedy='Use a form like CN=app, O="Contoso, Ltd.", or give only the common name.',
        )
    return tuple(sorted(attributes))


def attributes_of(subject: X509Name) -> Name:
    """Return the sorted attributes of the subject of a certificate, in the form that `parse_name` returns.

    Args:
        subject: Name object of the `cryptography` package. Its text can't be used: a hostile value could look like
            further attributes.
    """
    return tuple(sorted((one.oid.dotted_string, _folded(_text_of(one.value))) for one in subject))


def display_name(subject: X509Name) -> str:
    """Return a subject as text (RFC 4514) that is safe on a terminal and in a log.

    Characters that are not printable, such as line breaks and direction marks, are written as their UTF-8 bytes in
    hexadecimal. RFC 4514 allows that form for any character.

    Args:
        subject: Name object of the `cryptography` package.
    """
    return "".join(
        letter
        if letter == " " or letter.isprintable()
        else "".join(f"\\{byte:02X}" for byte in letter.encode("utf-8", "replace"))
        for letter in subject.rfc4514_string()
    )


def matches(text: str, subject: Name) -> bool:
    """Return whether a string names a subject: by exactly the same attributes, or by its common name.

    Args:
        text: A complete subject, or a common name.
        subject: The attributes of a certificate's subject.

    Raises:
        ParameterError: The string is not a name.
    """
    attributes = parse_name(text)
    return attributes == subject if "=" in text else attributes[0] in subject


def _slashed(text: str) -> list[tuple[str, str]]:
    """Return the attributes of a name in OpenSSL's old form, `/C=DE/CN=app`, which has no quotes and no escapes."""
    parts = [part.partition("=") for part in _SLASH.split(text)[1:]]
    return [(_type(kind), _folded(value)) for kind, _, value in parts]


def _separated(text: str) -> list[tuple[str, str]]:
    """Return the attributes of a name in the form of RFC 4514 or Windows; an empty list if the form is another one."""
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
    """Return the characters of an escape: one character, or UTF-8 bytes in hexadecimal (RFC 4514, 2.4)."""
    return found[1] or bytes.fromhex(found[0].replace("\\", "")).decode("utf-8", "replace")


def _text_of(value: str | bytes) -> str:
    return value if isinstance(value, str) else f"#{value.hex()}"


def _visible(text: str) -> str:
    """Return a string without the format characters that copying from a dialog can add (zero width, direction, BOM)."""
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def _is_separator(letter: str) -> bool:
    return letter in ":-" or letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Zs", "Pd")


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _visible(text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
