"""PKCS#11 URIs (RFC 7512): parsed as the RFC defines, refused if malformed, and never with a PIN inside."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.certificates.stores.pkcs11_uri import ANY, PATH_ATTRIBUTES, parse_uri
from entrakit.errors import ParameterError

TEXTS = sorted(PATH_ATTRIBUTES - {"id", "type"})


@given(st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=20), max_size=5), st.binary(max_size=8))
def test_values_are_decoded(attributes: dict[str, str], object_id: bytes) -> None:
    """
    Percent-encoded values are decoded to the same string; an id is decoded to bytes.
    """
    path = ";".join(f"{name}={quote(value, safe='')}" for name, value in attributes.items())
    uri = parse_uri(f"pkcs11:{path}{';' if path else ''}id={quote(object_id, safe='')}?pin-source=file:/run/pin")

    assert (attributes, object_id, "file:/run/pin") == (uri.attributes, uri.object_id, uri.pin_source)


def test_examples_of_the_rfc() -> None:
    """
    The examples of RFC 7512, section 3, that name certificates or keys are parsed.
    """
    uri = parse_uri(
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
        "object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin"
    )
    assert "The Software PKCS#11 Softtoken" == uri.attributes["token"]
    assert "Snake Oil, Inc." == uri.attributes["manufacturer"]
    assert b"\x69\x95\x3e\x5c\xf4\xbd\xec\x91" == uri.object_id
    assert ("/mnt/libmypkcs11.so.1", "") == parse_uri("pkcs11:object=x?module-path=/mnt/libmypkcs11.so.1")[3:]
    assert "mypkcs11" == parse_uri("PKCS11:?module-name=mypkcs11&pin-source=%7C/usr/lib/pinomatic").module_name
    assert ANY.attributes == parse_uri("pkcs11:").attributes
    assert parse_uri("pkcs11:x-vendor=1;token=a").attributes == {"token": "a"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "token=a", "https://host", "pkcs11:token", "pkcs11:token=%2", "pkcs11:token=a;token=b"),
        *("pkcs11:token=a b", "pkcs11:unknown=a", "pkcs11:token=%FF", "pkcs11:type=data", "pkcs11:token=a?unknown=b"),
        "pkcs11:;token=a",
    ],
)
def test_another_text_is_not_a_uri(text: str) -> None:
    """
    A malformed URI, one for other objects, and one with unknown attributes are refused with an example.
    """
    with pytest.raises(ParameterError) as caught:
        parse_uri(text)
    assert "pkcs11:token=NAME" in caught.value.remedy


def test_a_pin_in_a_uri_is_refused() -> None:
    """
    A URI on a command line is visible to other users, so pin-value is refused. The error does not repeat the PIN.
    """
    with pytest.raises(ParameterError, match="contains a PIN") as caught:
        parse_uri("pkcs11:token=a?pin-value=canary")
    assert "canary" not in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5)),
    st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5)),
)
def test_named_attributes_must_match(named: dict[str, str], actual: dict[str, str]) -> None:
    """
    A URI matches a token if all attributes that both have are equal. Other attributes are not compared.
    """
    path = ";".join(f"{name}={quote(value, safe='')}" for name, value in named.items())

    expected = all(actual[name] == named[name] for name in named if name in actual)
    assert expected == parse_uri(f"pkcs11:{path}").matches(actual)
