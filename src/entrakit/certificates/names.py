"""How people name a certificate: by thumbprint, or by subject, pasted from wherever they found it."""

from __future__ import annotations

import unicodedata

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

# Attribute types by their other names; what is not here is compared by its own, in lower case (X.520, RFC 4519).
_TYPES = {
    "2.5.4.3": "cn", "commonname": "cn",
    "2.5.4.4": "sn", "surname": "sn",
    "2.5.4.5": "serialnumber",
    "2.5.4.6": "c", "countryname": "c",
    "2.5.4.7": "l", "localityname": "l",
    "2.5.4.8": "st", "s": "st", "stateorprovincename": "st",
    "2.5.4.9": "street", "streetaddress": "street",
    "2.5.4.10": "o", "organizationname": "o",
    "2.5.4.11": "ou", "organizationalunitname": "ou",
    "2.5.4.12": "title", "t": "title",
    "2.5.4.42": "givenname", "g": "givenname", "gn": "givenname",
    "0.9.2342.19200300.100.1.1": "uid", "userid": "uid",
    "0.9.2342.19200300.100.1.25": "dc", "domaincomponent": "dc",
    "1.2.840.113549.1.9.1": "email", "e": "email", "emailaddress": "email",
}  # fmt: skip

if TYPE_CHECKING:
    Name: TypeAlias = tuple[tuple[str, str], ...]


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
        shown = ", ".join(ascii(letter) for letter in strange[:5])
        raise ParameterError(f"A thumbprint has hexadecimal digits only; this one has {shown} as well.")
    if len(kept) not in (40, 64):
        raise ParameterError(
            f"The thumbprint has {len(kept)} hexadecimal digits; SHA-1 has 40, and SHA-256 has 64.",
            remedy="Copy it again, whole.",
        )
    return kept


def parse_name(text: str) -> Name:
    """Return a subject as its attributes, sorted: `CN=app, O=Contoso` equals `o="contoso",cn=App`.

    Args:
        text: A name as RFC 4514, OpenSSL or Windows writes it; a text without `=` is a common name alone.

    Raises:
        ParameterError: It is empty, or not a name.
    """
    if "=" not in text:
        common = _folded(text)
        if not common:
            raise ParameterError("The certificate's name is empty.")
        return (("cn", common),)
    attributes = []
    for part in _split(text):
        kind, equals, value = part.partition("=")
        name = _folded(kind).removeprefix("oid.")
        if not equals or not name:
            raise ParameterError(
                f"{text!r} is not the name of a certificate.", remedy="Write it like CN=app, O=Contoso, or give the CN."
            )
        attributes.append((_TYPES.get(name, name), _folded(_unquoted(value))))
    return tuple(sorted(attributes))


def matches(text: str, subject: str) -> bool:
    """Return whether a subject is the one that a text names: the same attributes, or that common name.

    Args:
        text: A whole subject, or a common name alone.
        subject: The subject of a certificate (RFC 4514).

    Raises:
        ParameterError: The text can't be a name.
    """
    wanted, found = parse_name(text), parse_name(subject)
    return wanted == found if "=" in text else wanted[0] in found


def _is_filling(letter: str) -> bool:
    return letter in ":-" or letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Zs", "Pd")


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _split(text: str) -> list[str]:
    """Return the parts between separators that stand neither in quotes nor behind a backslash."""
    parts, part, quoted, escaped = [], "", False, False
    body = text.strip()
    # OpenSSL's old form begins with its separator: /C=DE/CN=app.
    separators = "/" if body.startswith("/") and "=" in body else ",;+\n"
    for letter in body.removeprefix("/"):
        if not escaped and not quoted and letter in separators:
            parts.append(part)
            part = ""
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
        part += letter
    return [one for one in (*parts, part) if one.strip()]


def _unquoted(value: str) -> str:
    """Return an attribute's value without quotes and escapes (RFC 4514, 2.4)."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"')
    out = bytearray()
    position = 0
    while position < len(text):
        letter = text[position]
        if letter != "\\" or position + 1 == len(text):
            out += letter.encode()
            position += 1
        elif _is_hex(text[position + 1 : position + 3]):
            out.append(int(text[position + 1 : position + 3], 16))
            position += 3
        else:
            out += text[position + 1].encode()
            position += 2
    return out.decode("utf-8", "replace")


def _is_hex(pair: str) -> bool:
    return len(pair) == 2 and all(letter in "0123456789abcdefABCDEF" for letter in pair)
