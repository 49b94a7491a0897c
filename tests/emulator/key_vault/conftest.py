"""Helpers of the tests of the key vault."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from entrakit_emulator.state.keys import make_certificate, make_key

if TYPE_CHECKING:
    import httpx2


SCOPE = "https://vault.azure.net/.default"


def refused(response: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code and inner code of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("innererror", {}).get("code", "")


def b64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem_pair(*, days: int = 365, start_days: int = -1) -> dict[str, str]:
    """Return a certificate and its private key, PEM."""
    key = make_key()
    certificate = make_certificate("given", key, days=days, start_days=start_days)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "private_key": private.decode(),
    }
