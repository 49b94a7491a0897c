"""PKCS#11 URIs (RFC 7512): read as the RFC says, refused where they can't be right, and never with a PIN in them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.certificates.sources import _pin_of
from entrakit.certificates.stores.pkcs11_uri import ANY, PATH_ATTRIBUTES, parse_uri
from entrakit.errors import ParameterError

TEXTS = sorted(PATH_ATTRIBUTES - {"id", "type"})
SMALL = st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5))


@given(st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=20), max_size=5), st.binary(max_size=8))
def test_what_was_written_is_read(attributes: dict[str, str], object_id: bytes) -> None:
    """
    Any text survives, once it is written with percent signs; an id is bytes.
    """
    path = ";".join(f"{name}={quote(value, safe='')}" for name, value in attributes.items())
    uri = parse_uri(f"pkcs11:{path}{';' if path else ''}id={quote(object_id, safe='')}?pin-source=file:/run/pin")

    assert (attributes, object_id, "file:/run/pin") == (uri.attributes, uri.object_id, uri.pin_source)


def test_examples_of_the_rfc() -> None:
    """
    Those of RFC 7512, section 3, that name certificates or keys.
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
    ["", "token=a", "https://host", "pkcs11:token", "pkcs11:token=%2", "pkcs11:token=a;token=b", "pkcs11:token=a b",
     "pkcs11:unknown=a", "pkcs11:token=%FF", "pkcs11:type=data", "pkcs11:token=a?unknown=b", "pkcs11:;token=a"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    """
    Not well formed, of another kind, or with attributes that nobody knows: told with how to write one.
    """
    with pytest.raises(ParameterError) as caught:
        parse_uri(text)
    assert "pkcs11:token=NAME" in caught.value.remedy


def test_a_pin_in_a_uri_is_refused() -> None:
    """
    A URI stands on a command line, where others see it: pin-value is refused, and not repeated.
    """
    with pytest.raises(ParameterError, match="PIN does not belong") as caught:
        parse_uri("pkcs11:token=a?pin-value=canary")
    assert "canary" not in str(caught.value)


def test_no_program_is_run_for_a_pin() -> None:
    """
    `pin-source=|program` is refused.
    """
    with pytest.raises(ParameterError, match="runs none"):
        _pin_of(parse_uri("pkcs11:?pin-source=%7C/usr/lib/pinomatic"), {})


@given(
    st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5)),
    st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5)),
)
def test_what_is_named_must_fit(wanted: dict[str, str], seen: dict[str, str]) -> None:
    """
    A URI fits a token if everything that both say is the same; what it leaves out fits everything.
    """
    path = ";".join(f"{name}={quote(value, safe='')}" for name, value in wanted.items())

    assert all(seen[name] == wanted[name] for name in wanted if name in seen) == parse_uri(f"pkcs11:{path}").fits(seen)
