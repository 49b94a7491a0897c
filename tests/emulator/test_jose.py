"""JSON web tokens."""

from __future__ import annotations

import base64

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit_emulator.jose import MalformedError, b64url, from_b64url, is_signed_by, sign, split
from entrakit_emulator.state.keys import make_key

KEY = make_key()
HEADER: dict[str, object] = {"alg": "RS256"}


@given(st.binary())
def test_base64url_goes_there_and_back(data: bytes) -> None:
    """
    base64url is written without padding and read with or without it (RFC 7515, 2).
    """
    text = b64url(data)

    assert "=" not in text
    assert data == from_b64url(text) == from_b64url(base64.urlsafe_b64encode(data).decode())


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """
    Any string gives parts or MalformedError.
    """
    try:
        split(text)
    except MalformedError:
        return


@pytest.mark.parametrize("token", ["a.b", "a.b.c.d", "!.b.c", f"{b64url(b'[]')}.{b64url(b'{}')}.", "YQ.YQ.YQ", "Ü.a.b"])
def test_what_is_no_token_is_refused(token: str) -> None:
    """
    A token has three parts, base64url and JSON objects (RFC 7515, 3.1).
    """
    with pytest.raises(MalformedError):
        split(token)


def test_deep_json_is_refused() -> None:
    """
    Deeply nested JSON is refused without a crash.
    """
    with pytest.raises(MalformedError):
        split(f"{b64url(b'[' * 100_000)}.{b64url(b'{}')}.")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_signatures_are_verified_as_others_make_them(algorithm: str) -> None:
    """
    Signatures of another implementation are verified, RS256 and PS256, with the right key only (RFC 7518, 3.3 and 3.5).
    """
    parts = split(jwt.encode({"a": 1}, KEY, algorithm))

    assert is_signed_by(parts, KEY.public_key())
    assert not is_signed_by(parts, make_key().public_key())
    assert not is_signed_by(parts._replace(header={"alg": "none"}), KEY.public_key())


def test_others_verify_what_it_signs() -> None:
    """
    PyJWT verifies RS256 signatures.
    """
    assert {"a": 1} == jwt.decode(sign(HEADER, {"a": 1}, KEY), KEY.public_key(), ["RS256"])
