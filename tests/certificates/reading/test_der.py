"""Values in DER and BER."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.certificates.reading.der import (
    MAX_DEPTH,
    OCTETS,
    SEQUENCE,
    TooDeepError,
    children,
    compose,
    content,
    definite,
)


@given(st.binary(max_size=70000))
def test_a_composed_value_has_its_content(data: bytes) -> None:
    """
    A value of any size is composed and read again, and DER is not changed by the conversion.
    """
    value = compose(OCTETS, data)

    assert data == content(value, OCTETS)
    assert [value, value] == list(children(compose(SEQUENCE, value, value), SEQUENCE))
    assert value == definite(value + b"more")


@pytest.mark.parametrize(
    ("ber", "der"),
    [
        ("3080 020101 0000", "3003 020101"),
        ("3080 3080 020101 0000 020102 0000", "3008 3003 020101 020102"),
        ("2480 0401aa 0402bbcc 0000", "0403 aabbcc"),
        ("2408 0401aa 2403 0401bb", "0402 aabb"),
        ("3083 000003 020101", "3003 020101"),
        ("3005 9f8101 01aa", "3005 9f8101 01aa"),
    ],
    ids=["indefinite", "nested", "pieces", "pieces in pieces", "long length", "long tag"],
)
def test_ber_becomes_der(ber: str, der: str) -> None:
    """
    Lengths become definite, and the pieces of an OCTET STRING are joined (X.690, 8.1.3 and 8.7.3).
    """
    assert bytes.fromhex(der) == definite(bytes.fromhex(ber))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "30",
        "3005 020101",
        "3080 020101",
        "3080 020101 00",
        "0480 aabb 0000",
        "3003 0205 aa",
        "3081",
        "309f",
        "1f81",
    ],
)
def test_an_incomplete_value_is_malformed(data: str) -> None:
    """
    A value that ends too early, or a primitive value without a length, raises ValueError.
    """
    with pytest.raises(ValueError, match="value"):
        definite(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "30", "30ff", "3005 0201", "3080 0000", "0401aa"])
def test_the_content_of_another_value_is_refused(data: str) -> None:
    """
    A value with another tag, without a definite length, or that ends too early has no content.
    """
    with pytest.raises(ValueError, match=r"value|length"):
        content(bytes.fromhex(data), SEQUENCE)


@pytest.mark.parametrize("size", [1, 500_000])
def test_the_depth_is_limited(size: int) -> None:
    """
    Values that are nested too deep are refused, whether their lengths are definite or not.
    """
    nested = b""
    for _ in range(MAX_DEPTH + 1):
        nested = compose(SEQUENCE, nested)

    with pytest.raises(TooDeepError):
        definite(nested)
    with pytest.raises(TooDeepError):
        definite(b"\x30\x80" * (MAX_DEPTH + size))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    """
    No input raises anything but ValueError.
    """
    try:
        list(children(definite(data), SEQUENCE))
    except ValueError as error:
        assert str(error)
