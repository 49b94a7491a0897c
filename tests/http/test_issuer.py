"""The issuer of an untrusted certificate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates.conftest import Maker
from tests.certificates.reading.test_lenient import LONG

from entrakit.http.address import Origin
from entrakit.http.connection import Deadline
from entrakit.http.issuer import issuer_of, issuer_seen
from entrakit.http.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.conftest import RawServer


def test_the_issuer_of_an_unusable_certificate_is_empty() -> None:
    """
    A certificate that can't be read has no issuer, and its error is not shown.
    """
    assert ("", "") == (issuer_of(b""), issuer_of(b"no certificate"))


def test_a_long_name_is_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    """
    The library warns of names that are too long, which `python -W error` makes an exception.
    """
    assert issuer_of(Maker().certificate(subject=LONG).public_bytes(Encoding.DER)).endswith("C=DEU")
    assert [] == list(recwarn)


def test_the_issuer_is_read_without_a_request(raw_server: Callable[..., RawServer]) -> None:
    """
    The server shows its certificate in the handshake, and gets no request.
    """
    server = raw_server(None)
    origin = Origin.parse(server.url)

    issuer = issuer_seen(origin, None, Deadline(5.0, time.monotonic() + 5.0), open_socks=None)

    assert "Inspecting Proxy CA" in issuer
    assert [] == [request for request in server.requests if request]


def test_an_https_proxy_is_not_asked_again() -> None:
    """
    Its certificate would not be verified, and it would get the password.
    """
    proxy = Proxy("https", "localhost", 9, "ada", "canary")

    assert "" == issuer_seen(Origin("contoso.com"), proxy, Deadline(5.0, time.monotonic() + 5.0), open_socks=None)
