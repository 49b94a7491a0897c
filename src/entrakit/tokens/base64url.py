"""Base64url, the encoding of JWTs and of other text in addresses and headers (RFC 4648, 5).

`encode` never writes padding (RFC 7515, 2). `decode` accepts what tools and services write: either alphabet, with or
without padding.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    text = b2a_base64(data, newline=False).rstrip(b"=").decode("ascii")
    return text.replace("+", "-").replace("/", "_")


def decode(text: str) -> bytes:
    """Return the bytes that base64url or standard base64 encodes.

    Args:
        text: The encoded bytes, padded or not; without white space.

    Raises:
        ValueError: The text contains another character, or its length is not possible.
    """
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
