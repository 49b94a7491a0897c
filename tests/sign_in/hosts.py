"""Hosts that give assertions, as their documentation describes them: variables, and answers to raw requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.sign_in.tools import token_with

if TYPE_CHECKING:
    import pytest

ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/app:ref:refs/heads/main"
AUDIENCE = "api://AzureADTokenExchange"
SERVICE_CONNECTION = "bbbbbbbb-2222-3333-4444-555555555555"
VARIABLES = (
    *("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    *("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"),
    *("GITLAB_OIDC_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN", "AZURE_FEDERATED_TOKEN_FILE"),
)


def clear_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of all hosts, because tests can run on one of them."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def assertion(number: int = 1, **claims: object) -> str:
    """Return an assertion, different for each number, whose signature nobody can check."""
    return token_with(**{"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "jti": str(number), **claims})


def http_answer(body: object, status: str = "200 OK", *more: str) -> bytes:
    """Return an HTTP response with a body of JSON, or of bytes, and additional header lines."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *more)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def head_of(request: bytes) -> tuple[str, dict[str, str]]:
    """Return the first line and the header fields, names in lower case, of a raw request."""
    line, *fields = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return line, {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
