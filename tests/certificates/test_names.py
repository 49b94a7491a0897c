"""Thumbprints and subjects, as users paste them."""

from __future__ import annotations

import contextlib
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.certificates.names import attributes_of, display_name, matches, parse_name, parse_thumbprint
from entrakit.errors import ParameterError

HEX = "0123456789abcdef"
SEPARATOR = st.sampled_from(["", " ", ":", "-", "\u200e", "\u200b", "\ufeff", "\u00a0", "\t", "\r\n", "\u2011"])
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
    Case, spaces, colons, and the invisible characters of a Windows dialog are ignored (request 19 of the users).
    """
    spelt = "".join(
        data.draw(SEPARATOR) + (digit.upper() if data.draw(st.booleans()) else digit) for digit in digits
    ) + data.draw(SEPARATOR)

    assert digits.upper() == parse_thumbprint(spelt)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "0 hex"), ("ab", "2 hex"), ("a" * 41, "41 hex"), ("g" * 40, "40 characters.*'G'"), ("CN=app", "'='")],
)
def test_another_text_is_not_a_thumbprint(text: str, words: str) -> None:
    """
    The error has the number of digits, the possible numbers, and the invalid characters.
    """
    with pytest.raises(ParameterError, match=words) as caught:
        parse_thumbprint(text)

    assert all(length in str(caught.value) for length in ("40", "64"))


def spelt_value(value: str, how: str) -> str:
    """Return a value in one of the notations of names."""
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
    Order, case, quotes, escapes, long names and white space make no difference: parsed names are compared.
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
def test_a_shown_subject_finds_its_certificate(parts: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    """
    A subject in an error or a repr is one line of printable characters, and finds the certificate again.
    """
    subject = subject_of(*parts)

    assert display_name(subject).isprintable()
    assert matches(display_name(subject), attributes_of(subject))


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
def test_every_notation_of_a_name_is_read(text: str, expected: bool) -> None:
    """
    Names in the forms of RFC 4514, OpenSSL and Windows are read. A common name alone is enough, part of a name is not.
    """
    subject = subject_of((NameOID.ORGANIZATION_NAME, "Contoso, Ltd."), (NameOID.COMMON_NAME, "App"))

    assert expected == matches(text, attributes_of(subject))


def test_a_subject_cannot_imitate_another() -> None:
    """
    The text of a value is never parsed as further attributes.
    """
    forged = subject_of((NameOID.COMMON_NAME, "app\nO=Contoso"))

    assert not matches("CN=app, O=Contoso", attributes_of(forged))
    assert r"CN=app\0AO=Contoso" == display_name(forged)


def test_a_value_of_bits_is_compared_in_hexadecimal() -> None:
    """
    A unique identifier, the only attribute type with bits instead of text, is compared in hexadecimal.
    """
    name = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\xab", x509.name._ASN1Type.BitString)

    assert (("2.5.4.45", "#00ab"),) == attributes_of(x509.Name([name]))


@pytest.mark.parametrize(
    "text",
    ["", "  ", "\ufeff", "=app", "=", "/=", "CN=app, nonsense, O=x", 'CN="app', 'CN="app"x, O=y', "CN=app\\", ", CN=a"],
)
def test_another_text_is_not_a_name(text: str) -> None:
    """
    An invalid subject is refused with a remedy.
    """
    with pytest.raises(ParameterError) as caught:
        parse_name(text)

    assert caught.value.remedy


@settings(deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_string_is_a_name_or_an_error(text: str) -> None:
    """
    Any input gives a result or a ParameterError, including bytes of the command line that are not UTF-8.
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
def test_hostile_input_takes_linear_time(text: str) -> None:
    """
    A hundred thousand characters that resemble a name are parsed or refused in less than two seconds.
    """
    began = time.process_time()

    with contextlib.suppress(ParameterError):
        parse_name(text)

    assert time.process_time() - began < 2
