"""ASN.1 values in DER and BER (X.690, 8.1): parsed and composed without knowing their types.

`definite` converts BER, which some tools write, to the form that the other functions expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER, OCTETS, OID, SEQUENCE, SET, EXPLICIT = b"\x02", b"\x04", b"\x06", b"\x30", b"\x31", b"\xa0"
# Values of certificates and PFX files are nested in less than 20 others.
MAX_DEPTH = 64


class TooDeepError(ValueError):
    """A value is nested in too many others."""


def definite(data: bytes) -> bytes:
    """Return the first value of BER data with definite lengths, and with each OCTET STRING in one piece.

    Raises:
        TooDeepError: The value is nested in too many others.
        ValueError: The value is incomplete or malformed.
    """
    try:
        return _definite(data, 0, len(data), 0)[0]
    except IndexError as error:
        raise ValueError("incomplete value") from error


def children(item: bytes, tag: bytes) -> Iterator[bytes]:
    """Yield the values inside a constructed value.

    Raises:
        ValueError: The tag is another one, or a value is incomplete.
    """
    inside, position = content(item, tag), 0
    while position < len(inside):
        end = position + sum(_sizes(inside[position:]))
        yield inside[position:end]
        position = end


def content(item: bytes, tag: bytes) -> bytes:
    """Return the content of a value.

    Raises:
        ValueError: The tag is another one, or the value is incomplete.
    """
    head, size = _sizes(item)
    if item[:1] != tag or head + size > len(item):
        raise ValueError("unexpected tag, or incomplete value")
    return item[head : head + size]


def compose(tag: bytes, *parts: bytes) -> bytes:
    """Return a value in DER.

    Args:
        tag: Tag of the value.
        parts: Its content.
    """
    inside = b"".join(parts)
    size = len(inside)
    if size < 0x80:
        return tag + bytes([size]) + inside
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([0x80 + len(length)]) + length + inside


def _sizes(item: bytes) -> tuple[int, int]:
    """Return the sizes of header and content of a value with a definite length."""
    try:
        _, begin, size = _header(item, 0)
    except IndexError as error:
        raise ValueError("incomplete value") from error
    if size is None:
        raise ValueError("indefinite length")
    return begin, size


def _header(data: bytes, at: int) -> tuple[bytes, int, int | None]:
    """Return the tag of a value, where its content begins, and the size of the content; None if it is indefinite."""
    position = at + 1
    if data[at] & 0x1F == 0x1F:
        while data[position] & 0x80:
            position += 1
        position += 1
    tag, first = data[at:position], data[position]
    position += 1
    if first < 0x80:
        return tag, position, first
    if first == 0x80:
        return tag, position, None
    end = position + first - 0x80
    return tag, end, int.from_bytes(data[position:end], "big")


def _definite(data: bytes, at: int, limit: int, depth: int) -> tuple[bytes, int]:
    """Return the value at a position in the form of `definite`, and where it ends."""
    tag, position, size = _header(data, at)
    end = limit if size is None else position + size
    if end > limit:
        raise ValueError("incomplete value")
    if not tag[0] & 0x20:
        if size is None:
            raise ValueError("a primitive value without a length")
        return data[at:end], end
    if depth == MAX_DEPTH:
        raise TooDeepError("too many nested values")
    parts = []
    while position < end and (size is not None or data[position : position + 2] != b"\0\0"):
        part, position = _definite(data, position, end, depth + 1)
        parts.append(part)
    if size is None:
        end = position + 2
        if end > limit:
            raise ValueError("incomplete value")
    if tag == b"\x24":
        return compose(OCTETS, *(content(part, OCTETS) for part in parts)), end
    return compose(tag, *parts), end
