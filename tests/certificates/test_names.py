"""Thumbprints and subjects as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.certificates.names import matches, parse_name, parse_thumbprint
from entrakit.errors import ParameterError

HEX = "0123456789abcdef"
FILLING = st.sampled_from(["", " ", ":", "-", "\u200e", "\u200b", "\ufeff", "\u00a0", "\t", "\r\n", "\u2011"])
WORD = st.text("abcdefghij0123456789äöü .-'@", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.sampled_from([40, 64]).flatmap(lambda size: st.text(HEX, min_size=size, max_size=size)), st.data())
def test_a_thumbprint_survives_copying(digits: str, data: st.DataObject) -> None:
    """
    Any case, spaces, colons, and the invisible characters that Windows' dialog adds (request 19 of the users).
    """
    spelt = "".join(
        data.draw(FILLING) + (digit.upper() if data.draw(st.booleans()) else digit) for digit in digits
    ) + data.draw(FILLING)

    assert digits.upper() == parse_thumbprint(spelt)


@pytest.mark.parametrize(("text", "words"), [("", "0 hex"), ("ab", "2 hex"), ("a" * 41, "41 hex"), ("g" * 40, "'G'")])
def test_what_is_no_thumbprint_is_counted(text: str, words: str) -> None:
    """
    The error says how many digits there are, or what else is in it.
    """
    with pytest.raises(ParameterError, match=words):
        parse_thumbprint(text)


def quoted(value: str, how: int) -> str:
    """Return a value in one of the ways that names are written."""
    if how == 0:
        return f'"{value}"'
    return value if how == 1 else "".join(f"\\{letter}" if letter in ",+;'" else letter for letter in value)


@given(
    st.lists(st.tuples(st.sampled_from(["CN", "O", "OU", "L", "C", "DC"]), WORD), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_a_subject_is_a_set_of_attributes(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    """
    Order, case, quotes, long names and spacing do not matter: the name is compared parsed, not as text.
    """
    subject = ",".join(f"{kind}={value}" for kind, value in parts)
    long_names = {"CN": "commonName", "O": "2.5.4.10", "OU": "OID.2.5.4.11", "L": "localityName"}
    spelt = [
        f"{data.draw(st.sampled_from([kind, kind.lower(), long_names.get(kind, kind)]))} = "
        f"{quoted(value.upper() if value.isascii() else value, data.draw(st.integers(0, 2)))}"
        for kind, value in data.draw(st.permutations(parts))
    ]

    assert matches(data.draw(st.sampled_from([", ", ",", ";"])).join(spelt), subject)
    assert not matches(", ".join([*spelt, "CN=another"]), subject)


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("app", "CN=app,O=Contoso", True),
        ("APP ", "CN=App,O=Contoso", True),
        ("Contoso", "CN=app,O=Contoso", False),
        ("CN=app", "CN=app,O=Contoso", False),
        ("CN=app", "CN=app", True),
        ("/O=Contoso/CN=app", "CN=app,O=Contoso", True),
        ("E=a@b.c, CN=app", "1.2.840.113549.1.9.1=a@b.c,CN=app", True),
        ("S=Bavaria, CN=app", "CN=app,ST=Bavaria", True),
        (r"CN=a\,b", 'CN="a,b"', True),
        (r"CN=L\C3\BCbeck", "CN=Lübeck", True),
        ('CN="a ""b"""', r"CN=a \"b\"", True),
    ],
)
def test_the_ways_to_write_a_name(text: str, subject: str, expected: bool) -> None:
    """
    RFC 4514, OpenSSL's old form, Windows' own: all are read; a common name alone is enough, a part is not.
    """
    assert expected == matches(text, subject)


@pytest.mark.parametrize("text", ["", "  ", "=app", "CN=app, nonsense, O=x"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """
    A text that can't be a subject is told before any store is read.
    """
    with pytest.raises(ParameterError):
        parse_name(text)


@given(st.text())
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    """
    Nothing that is typed crashes.
    """
    try:
        parse_name(text)
        parse_thumbprint(text)
    except ParameterError:
        return
