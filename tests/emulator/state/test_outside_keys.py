"""Keys of outside issuers, from a server that answers as a test says."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.state.keys import KeyRing, make_signing_key
from entrakit_emulator.state.outside_keys import OutsideKeys, UnreachableIssuerError, UnreadableKeysError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Issuer:
    """A server with a metadata document and a key document."""

    def __init__(self) -> None:
        self.ring = KeyRing([make_signing_key()])
        self.status = 200
        self.asked: list[str] = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                body = issuer.documents[self.path]
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.documents = {
            "/.well-known/openid-configuration": json.dumps(
                {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
            ).encode(),
            "/keys": json.dumps({"keys": [{"kty": "EC", "kid": "ec"}, *self.ring.published(None)]}).encode(),
        }
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer."""
    one = Issuer()
    yield one
    one.server.shutdown()
    one.thread.join()
    one.server.server_close()


def test_a_key_is_fetched_once(issuer: Issuer) -> None:
    """
    A known key is kept, and an unknown one is looked up again.
    """
    keys = OutsideKeys()
    kid = issuer.ring.active.kid

    found = [keys.find(issuer.url, kid) for _ in range(2)]
    unknown = keys.find(issuer.url, "other")

    expected = issuer.ring.active.key.public_key().public_numbers()
    assert [expected, expected] == [one.public_numbers() for one in found if one]
    assert unknown is None
    assert 2 == issuer.asked.count("/keys")


def test_an_issuer_with_another_name_has_an_address(issuer: Issuer) -> None:
    """
    The metadata must name the issuer.
    """
    keys = OutsideKeys()
    keys.locate("https://issuer.example", issuer.url)

    with pytest.raises(UnreachableIssuerError):
        keys.find("https://issuer.example", issuer.ring.active.kid)

    metadata = {"issuer": "https://issuer.example", "jwks_uri": f"{issuer.url}/keys"}
    issuer.documents["/.well-known/openid-configuration"] = json.dumps(metadata).encode()
    assert keys.find("https://issuer.example", issuer.ring.active.kid)

    keys.clear()
    with pytest.raises(UnreachableIssuerError):
        keys.find("https://issuer.example", issuer.ring.active.kid)


@pytest.mark.parametrize(
    "address", ["https://issuer.example", "http://127.0.0.1:9", "ftp://localhost", "https://localhost:x", "nothing"]
)
def test_only_servers_on_loopback_are_asked(address: str) -> None:
    """
    Everything else counts as unreachable.
    """
    with pytest.raises(UnreachableIssuerError):
        OutsideKeys().find(address, "a")


@pytest.mark.parametrize(
    ("path", "content", "error"),
    [
        ("/.well-known/openid-configuration", b"[]", UnreachableIssuerError),
        ("/.well-known/openid-configuration", b"\xff", UnreachableIssuerError),
        ("/keys", b"no JSON", UnreachableIssuerError),
        ("/keys", b"{}", UnreadableKeysError),
        ("/keys", b'{"keys": [{"kty": "RSA"}]}', UnreadableKeysError),
        ("/keys", b'{"keys": [{"kty": "RSA", "n": "*", "e": "AQAB"}]}', UnreadableKeysError),
        ("/keys", b'{"keys": [{"kty": "RSA", "n": "AQ", "e": "AQ"}]}', UnreadableKeysError),
    ],
)
def test_documents_that_can_not_be_read_are_told_apart(
    issuer: Issuer, path: str, content: bytes, error: type[Exception]
) -> None:
    """
    Broken metadata counts as unreachable, broken keys as unreadable.
    """
    issuer.documents[path] = content

    with pytest.raises(error):
        OutsideKeys().find(issuer.url, "a")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_other_answers_than_200_are_not_followed(issuer: Issuer, status: int) -> None:
    """
    A redirect is not followed, because it could leave this machine.
    """
    issuer.status = status

    with pytest.raises(UnreachableIssuerError):
        OutsideKeys().find(issuer.url, "a")
    assert ["/.well-known/openid-configuration"] == issuer.asked
