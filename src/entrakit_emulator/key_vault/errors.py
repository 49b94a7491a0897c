"""Errors of Key Vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyVaultError(Exception):
    """An error of Key Vault.

    Args:
        status: HTTP status.
        code: Error code of Key Vault.
        message: Message.
        inner: Inner error code; empty if there is none.
        headers: Additional headers.
    """

    def __init__(
        self, status: int, code: str, message: str, inner: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.headers = dict(headers or {})
        super().__init__(code)

    def body(self) -> dict[str, object]:
        """Return the JSON body of the answer."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}
