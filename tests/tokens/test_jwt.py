"""Decoding of JWTs for display."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.tokens.jwt import MAX_TOKEN, decode_claims, decode_header

OBJECTS = st.dictionaries(
    st.text(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=10,
    ),
    max_size=8,
)


def encoded(data: bytes, *, padded: bool = False) -> str:
    """Return base64url as JWTs use it."""
    text = urlsafe_b64encode(data).decode("ascii")
    return text if padded else text.rstrip("=")


def jwt(payload: bytes, *, header: bytes = b'{"alg":"RS256"}', padded: bool = False) -> str:
    """Return a token with this payload, without a valid signature."""
    return f"{encoded(header, padded=padded)}.{encoded(payload, padded=padded)}.c2lnbmF0dXJl"


@settings(deadline=None)
@given(OBJECTS, st.booleans())
def test_claims_come_back_as_they_were_written(claims: dict[str, object], padded: bool) -> None:
    """
    Any JSON object is decoded, with or without base64url padding (RFC 7515, 2; checklist 36).
    """
    text = json.dumps(claims, ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert claims == decode_claims(jwt(text, padded=padded))


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[\w.=-]{0,80}"))
def test_arbitrary_text_never_crashes(text: str) -> None:
    """
    Any string is decoded or gives None: opaque tokens are not an error (checklist 36).
    """
    assert decode_claims(text) is None or isinstance(decode_claims(text), dict)
    assert decode_header(text) is None or isinstance(decode_header(text), dict)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_payloads_never_crash(data: bytes) -> None:
    """
    The base64url may contain any bytes.
    """
    assert isinstance(decode_claims(jwt(data)), dict | None)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "EwCYA8l6BAAU",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        jwt(b'{"a":1}') + ".d",
        jwt(b'["a list"]'),
        jwt(b'"text"'),
        jwt(b"\xff\xfe"),
        jwt('{"a":1}'.encode("utf-16")),
        jwt(b'\xef\xbb\xbf{"a":1}'),
        jwt(b'{"exp":NaN}'),
        jwt(b'{"exp":-Infinity}'),
        jwt(b'{"a":' + b"9" * 5000 + b"}"),
        jwt(b"[" * 20_000),
        jwt(b'{"a":1}').replace(".", ".!", 1),
        jwt(b'{"a":1}').replace(".", ". ", 1),
        jwt(b'{"a":"' + b"x" * MAX_TOKEN + b'"}'),
    ],
    ids=range(19),
)
def test_what_is_odd_is_none(token: str) -> None:
    """
    An opaque or damaged token, another encoding, and too deep or large JSON give None, never an exception.
    """
    assert decode_claims(token) is None


def test_the_header_is_read_as_strictly() -> None:
    """
    A header that is not base64url of a JSON object gives None, too.
    """
    assert decode_header("é.e30.x") is None
    assert decode_header(encoded(b"[1]") + ".e30.x") is None
    assert decode_header("a.b") is None
    assert {"alg": "RS256"} == decode_header(jwt(b"not read"))


def test_an_encrypted_token_shows_its_header_only() -> None:
    """
    A JWE has five parts and a header that can be read (RFC 7516, 3.1); its claims can't.
    """
    token = encoded(b'{"alg":"RSA-OAEP","enc":"A256GCM"}') + ".key.iv.text.tag"

    assert {"alg": "RSA-OAEP", "enc": "A256GCM"} == decode_header(token)
    assert decode_claims(token) is None
