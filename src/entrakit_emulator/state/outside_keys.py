"""Signing keys of outside issuers: fetched as the service fetches them (OpenID Connect Discovery 1.0, 4), and kept.

    issuer → its address → openid-configuration → jwks_uri → keys by `kid`

Only addresses on loopback are fetched. An issuer with another name needs an address there, which `locate` gives it.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from entrakit_emulator.jose import MalformedError, from_b64url

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# The tenant answers nothing else while it waits for an issuer.
TIMEOUT_S = 3.0
MAX_BODY = 256 * 1024


class UnreachableIssuerError(Exception):
    """The metadata of an issuer can't be fetched, or are not those of the issuer."""


class UnreadableKeysError(Exception):
    """The key document of an issuer can't be read."""


class OutsideKeys:
    """The keys of all outside issuers.

    Args:
        ca_path: File of the CA certificate that issuers are trusted by, PEM; empty for the system's authorities.
    """

    def __init__(self, ca_path: str = "") -> None:
        self._ca_path = ca_path
        self._addresses: dict[str, str] = {}
        self._kept: dict[str, dict[str, RSAPublicKey]] = {}

    def locate(self, issuer: str, address: str) -> None:
        """Give an issuer an address for its metadata.

        Args:
            issuer: Issuer as tokens name it.
            address: URL on loopback; `/.well-known/openid-configuration` is below it.
        """
        self._addresses[issuer] = address
        self._kept.pop(issuer, None)

    def find(self, issuer: str, kid: str) -> RSAPublicKey | None:
        """Return a key of an issuer; None if the issuer does not publish it. Unknown keys are looked up again.

        Raises:
            UnreachableIssuerError: The metadata can't be fetched.
            UnreadableKeysError: The key document can't be read.
        """
        if kid not in self._kept.get(issuer, {}):
            self._kept[issuer] = self._fetch(issuer)
        return self._kept[issuer].get(kid)

    def clear(self) -> None:
        """Forget all addresses and keys."""
        self._addresses.clear()
        self._kept.clear()

    def _fetch(self, issuer: str) -> dict[str, RSAPublicKey]:
        address = self._addresses.get(issuer, issuer).rstrip("/")
        metadata = self._document(f"{address}/.well-known/openid-configuration")
        # OpenID Connect Discovery 1.0, 4.3: the metadata must name the issuer itself.
        if metadata.get("issuer") != issuer:
            raise UnreachableIssuerError
        listed = self._document(str(metadata.get("jwks_uri"))).get("keys")
        if not isinstance(listed, list):
            raise UnreadableKeysError
        return {str(one.get("kid")): _key(one) for one in listed if isinstance(one, dict) and one.get("kty") == "RSA"}

    def _document(self, url: str) -> dict[str, object]:
        """Return the JSON object at a URL; redirects are not followed."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise UnreachableIssuerError from error
        if host not in LOOPBACK or parts.scheme not in ("http", "https"):
            raise UnreachableIssuerError
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_path or None)
            connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
            response = connection.getresponse()
            content = response.read(MAX_BODY)
            value = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise UnreachableIssuerError from error
        finally:
            connection.close()
        if response.status != 200 or not isinstance(value, dict):
            raise UnreachableIssuerError
        return value


def _key(entry: dict[str, object]) -> RSAPublicKey:
    """Return the key of an entry of a key document (RFC 7518, 6.3.1)."""
    try:
        numbers = {name: int.from_bytes(from_b64url(str(entry[name])), "big") for name in ("e", "n")}
        return RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
    except (KeyError, MalformedError, ValueError) as error:
        raise UnreadableKeysError from error
