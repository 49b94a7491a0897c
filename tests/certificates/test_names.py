"""Thumbprints and subjects as people paste them."""

from __future__ import annotations

import contextlib
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.certificates.names import attributes_of, matches, parse_name, parse_thumbprint, shown
from entrakit.errors import ParameterError

HEX = "0123456789abcdef"
FILLING = st.sampled_from(["", " ", ":", "-", "\u200e", "\u200b", "\ufeff", "\u00a0", "\t", "\r\n", "\u2011"])
VALUE = st.text(
    st.one_of(
        st.sampled_from(list(" ,+;=/#<>\"'\\\n")), st.characters(exclude_categories=["Cs"], max_codepoint=0x24FF)
    ),
    min_size=1,
    max_size=12,
)
SPELLINGS = {
    NameOID.COMMON_NAME: ["CN", "cn", "commonName", "2.5.4.3", "OID.2.5.4.3"],
    NameOID.ORGANIZATION_NAME: ["O", "o", "organizationName", "OID.2.5.4.10"],
    NameOID.ORGANIZATIONAL_UNIT_NAME: ["OU", "organizationalUnitName", "oid.2.5.4.11"],
    NameOID.STATE_OR_PROVINCE_NAME: ["ST", "S", "stateOrProvinceName"],
    NameOID.EMAIL_ADDRESS: ["E", "emailAddress", "1.2.840.113549.1.9.1"],
}


def subject_of(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """Return the subject of a certificate."""
    return x509.Name([x509.NameAttribute(*one) for one in attributes])


@settings(deadline=None, max_examples=250)
@given(st.sampled_from([40, 64]).flatmap(lambda size: st.text(HEX, min_size=size, max_size=size)), st.data())
def test_a_thumbprint_survives_copying(digits: str, data: st.DataObject) -> None:
    """
    Any case, spaces, colons, and the invisible characters that Windows' dialog adds (request 19 of the users).
    """
    spelt = "".join(
        data.draw(FILLING) + (digit.upper() if data.draw(st.booleans()) else digit) for digit in digits
    ) + data.draw(FILLING)

    assert digits.upper() == parse_thumbprint(spelt)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "0 hex"), ("ab", "2 hex"), ("a" * 41, "41 hex"), ("g" * 40, "40 characters.*'G'"), ("CN=app", "'='")],
)
def test_what_is_no_thumbprint_is_counted(text: str, words: str) -> None:
    """
    The error says how many digits there are and should be, or what else is in it.
    """
    with pytest.raises(ParameterError, match=words) as caught:
        parse_thumbprint(text)

    assert all(length in str(caught.value) for length in ("40", "64"))


def spelt_value(value: str, how: str) -> str:
    """Return a value in one of the ways that names are written."""
    if how == "doubled":
        return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '""'))
    if how == "quoted":
        return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
    if how == "hexadecimal":
        return "".join(f"\\{byte:02x}" for byte in value.encode())
    return "".join(f"\\{letter}" if letter in ' ,+;="#<>\\\n\r' else letter for letter in value)


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(SPELLINGS, key=str)), VALUE), min_size=1, max_size=4, unique_by=lambda p: p[0]
    ),
    st.data(),
)
def test_a_subject_is_a_set_of_attributes(parts: list[tuple[x509.ObjectIdentifier, str]], data: st.DataObject) -> None:
    """
    Order, case, quotes, escapes, long names and spacing do not matter: the name is compared parsed, not as text.
    """
    subject = attributes_of(subject_of(*parts))
    spelt = []
    for kind, value in data.draw(st.permutations(parts)):
        how = data.draw(st.sampled_from(["doubled", "quoted", "hexadecimal", "escaped"]))
        cased = value.upper() if value.isascii() and data.draw(st.booleans()) else value
        spaces = data.draw(st.sampled_from(["", " ", "  "]))
        spelt.append(f"{data.draw(st.sampled_from(SPELLINGS[kind]))}{spaces}={spaces}{spelt_value(cased, how)}")
    text = data.draw(st.sampled_from([", ", ",", ";", " + "])).join(spelt)

    assert matches(text, subject)
    assert not matches(f"{text}, CN=one more", subject)


@settings(deadline=None, max_examples=250)
@given(st.lists(st.tuples(st.sampled_from(sorted(SPELLINGS, key=str)), VALUE), min_size=1, max_size=4))
def test_what_is_shown_can_be_given_back(parts: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    """
    The subject as an error or `repr` shows it is one line of visible text, and finds the certificate again.
    """
    subject = subject_of(*parts)

    assert shown(subject).isprintable()
    assert matches(shown(subject), attributes_of(subject))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", True),
        (" APP ", True),
        ("\u200eapp\ufeff", True),
        ("Contoso, Ltd.", False),
        ("CN=app", False),
        ('O="Contoso, Ltd.", CN=app', True),
        ("/O=Contoso, Ltd./CN=app", True),
        ("/O=Contoso, Ltd./CN=app/OU=x", False),
        (r"CN=app,O=Contoso\, Ltd.", True),
        ('\u200eCN = app ,\nOID.2.5.4.10="CONTOSO,   Ltd."', True),
        ('Common Name=app; organizationName="Contoso, Ltd.", ', True),
        ('CN=app, O="Contoso, Ltd.", CN=app', False),
    ],
)
def test_the_ways_to_write_a_name(text: str, expected: bool) -> None:
    """
    RFC 4514, OpenSSL's old form, Windows' own: all are read; a common name alone is enough, a part is not.
    """
    subject = subject_of((NameOID.ORGANIZATION_NAME, "Contoso, Ltd."), (NameOID.COMMON_NAME, "App"))

    assert expected == matches(text, attributes_of(subject))


def test_a_subject_cannot_pretend_to_be_another() -> None:
    """
    What a value holds never counts as further attributes, whatever it looks like.
    """
    forged = subject_of((NameOID.COMMON_NAME, "app\nO=Contoso"))

    assert not matches("CN=app, O=Contoso", attributes_of(forged))
    assert r"CN=app\0AO=Contoso" == shown(forged)


def test_a_value_of_bits_is_compared_in_hexadecimal() -> None:
    """
    The one attribute that is no text, a unique identifier, does not stand in the way.
    """
    name = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\xab", x509.name._ASN1Type.BitString)

    assert (("2.5.4.45", "#00ab"),) == attributes_of(x509.Name([name]))


@pytest.mark.parametrize(
    "text",
    ["", "  ", "\ufeff", "=app", "=", "/=", "CN=app, nonsense, O=x", 'CN="app', 'CN="app"x, O=y', "CN=app\\", ", CN=a"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """
    A text that can't be a subject is told before any store is read.
    """
    with pytest.raises(ParameterError) as caught:
        parse_name(text)

    assert caught.value.remedy


@settings(deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    """
    Nothing that is typed crashes, bytes of the command line that are no text among it.
    """
    for parse in (parse_name, parse_thumbprint):
        try:
            parse(text)
        except ParameterError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "a=" * 50_000,
        'CN="' + '\\"' * 50_000,
        "a " * 20_000 + " " * 20_000 + "!=",
        "CN=" + " " * 100_000 + '"',
        "CN=a" + "," * 100_000 + '"',
        "/a" * 50_000,
    ],
)
def test_hostile_text_costs_linear_time(text: str) -> None:
    """
    A hundred thousand characters that are nearly a name are refused or read at once.
    """
    began = time.process_time()

    with contextlib.suppress(ParameterError):
        parse_name(text)

    assert time.process_time() - began < 2
