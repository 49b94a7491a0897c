"""The TLS context: the trusted certificates, and the cost of loading them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import ParameterError
from entrakit.http.tls import make_context

if TYPE_CHECKING:
    from pathlib import Path


def test_every_context_verifies() -> None:
    """
    Names and certificates are verified, and TLS is 1.2 or later: there is no switch for less (checklist 14).
    """
    context = make_context(None, {})

    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_hashed_directory_is_read_when_needed() -> None:
    """
    If the system has a hashed directory, no certificate is parsed before a server shows one of its chain.
    """
    assert [] == make_context(None, {}).get_ca_certs()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_names_a_bundle(variable: str, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The variables that other tools use are supported (request 28 of the users).
    """
    context = make_context(None, {variable: str(test_ca[0])})

    assert 1 == len(context.get_ca_certs())


def test_the_systems_own_bundle_is_not_parsed() -> None:
    """
    An environment that names the system's own bundle gets the same trust from the directory next to it.
    """
    assert [] == make_context(None, {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}).get_ca_certs()


def test_the_parameter_goes_before_the_environment(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The caller's bundle has priority over the environment.
    """
    context = make_context(str(test_ca[0]), {"SSL_CERT_FILE": "/nonexistent"})

    assert 1 == len(context.get_ca_certs())


def test_a_directory_is_taken(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    A hashed directory can be named as well, by parameter or by SSL_CERT_DIR.
    """
    directory = str(test_ca[0].parent)

    assert [] == make_context(directory, {}).get_ca_certs()
    assert [] == make_context(None, {"SSL_CERT_DIR": directory}).get_ca_certs()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_what_is_no_bundle_is_told(content: str | None, tmp_path: Path) -> None:
    """
    A bundle that is missing or has no certificates is an error before anything is sent.
    """
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ParameterError, match=r"bundle\.pem"):
        make_context(str(path), {})
