"""Connections to a token service with scripted answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit import Connection, connect
from entrakit.authority.clouds import find_cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit.http.transport import Transport
    from entrakit.secret import Secret

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


class Counter:
    """Answers each token request with the next token, as long as `status` is 200."""

    def __init__(self, **more: object) -> None:
        self.count = 0
        self.status = 200
        self.more = more

    def __call__(self, form: dict[str, str]) -> tuple[int, object]:
        if self.status != 200:
            return self.status, {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}
        self.count += 1
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{self.count}"} | self.more


@pytest.fixture
def open_app(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects an app by its secret."""

    def connect_app(name: str | None = None, secret: str | Secret = "canary-secret") -> Connection:
        return connect(
            client_id=CLIENT, tenant_id=token_server.tenant_id, client_secret=secret, name=name,
            cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    return connect_app


@pytest.fixture
def open_person(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects a user by device code."""

    def connect_person(name: str | None = None) -> Connection:
        following = token_server.answer

        def begin(form: dict[str, str]) -> tuple[int, object]:
            token_server.answer = following
            return 200, {"user_code": "ABC", "device_code": "canary-device", "verification_uri": "https://x/y",
                         "expires_in": "900", "interval": "5", "message": "go"}  # fmt: skip

        token_server.answer = begin
        return connect(
            client_id=CLIENT, tenant_id=token_server.tenant_id, device_code=True, on_device_code=lambda code: None,
            name=name, cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    return connect_person
