"""Errors of Key Vault in their wire form."""

from __future__ import annotations

from entrakit_emulator.key_vault.errors import KeyVaultError


def test_the_body_has_code_and_message() -> None:
    """
    The body has Key Vault's form; it contains `innererror` only if the error has an inner code.
    """
    plain = KeyVaultError(404, "KeyNotFound", "A key was not found.")
    inner = KeyVaultError(403, "Forbidden", "No access.", "ForbiddenByPolicy")

    assert {"error": {"code": "KeyNotFound", "message": "A key was not found."}} == plain.body()
    assert {"code": "ForbiddenByPolicy"} == dict(inner.body()["error"])["innererror"]  # type: ignore[call-overload] # a dict
    assert "KeyNotFound" == str(plain)


def test_headers_are_a_copy() -> None:
    """
    Additional headers are copied, so changing the caller's dict does not change the error.
    """
    headers = {"retry-after": "5"}
    error = KeyVaultError(429, "Throttled", "Too many requests.", headers=headers)
    headers.clear()

    assert {"retry-after": "5"} == error.headers
    assert {} == KeyVaultError(400, "BadParameter", "Wrong.").headers
