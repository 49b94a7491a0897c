"""Base64url: no padding is written, both alphabets are read, and anything else is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.tokens import base64url


@given(st.binary(max_size=100))
def test_bytes_survive(data: bytes) -> None:
    """
    The encoded form is the one of the standard library without padding, and decodes to the same bytes.
    """
    text = base64url.encode(data)

    assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text
    assert data == base64url.decode(text)


@given(st.binary(max_size=100))
def test_either_alphabet_is_read_padded_or_not(data: bytes) -> None:
    """
    Standard base64 and base64url are decoded alike, with or without padding.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        assert (data, data) == (base64url.decode(text), base64url.decode(text.rstrip("=")))


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA=A", "AA A", "AAA\n", "AA%A", "AAä", "AA\udc00", "====A"])
def test_other_text_is_refused(text: str) -> None:
    """
    A character of neither alphabet, padding inside the text, and a length that no bytes have are errors.
    """
    with pytest.raises(ValueError, match=r"."):
        base64url.decode(text)
