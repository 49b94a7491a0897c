"""A ready token: a connection that lives as long as its token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.sign_in.flows.access_token import AccessToken
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
GRAPH = "https://graph.microsoft.com"
connect_any = cast("Callable[..., Connection]", connect)


def token_with(**claims: object) -> str:
    """Return a token with the given claims, whose signature nobody can check."""
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    return ".".join([*(base64url.encode(json.dumps(part).encode()) for part in parts), "canary"])


@pytest.fixture
def ready(app: Connect, entra_tenant: Tenant) -> str:
    """Return an access token of the tenant."""
    return app(client_secret=entra_tenant.client_secret).token().access_token


def test_a_ready_token_makes_requests_until_it_expires(
    emulator: Connect, entra_tenant: Tenant, ready: str, clock: FakeClock, private_home: Path
) -> None:
    """
    Nothing is sent to the token service; clients of the resource use the token, and a later process does, too. Once it
    has expired, an error says that there is no other.
    """
    before = len(entra_tenant.journal.entries)
    connection = emulator(access_token=ready, graph_url=entra_tenant.url, name="job")

    assert ready == connection.token().access_token
    assert ("access_token", False) == (connection.token().flow, connection.info.renews_alone)
    assert before == len(entra_tenant.journal.entries)
    assert connection.graph.get("/organization")
    with get_connection("job", clock=clock) as later:
        assert ready == later.token().access_token
        clock.advance(7200)
        for one in (connection, later):
            with pytest.raises(InteractionRequiredError, match="has only the access token"):
                one.token()


def test_it_is_returned_until_its_last_minute(
    transport: Transport, token_server: TokenServer, clock: FakeClock
) -> None:
    """
    A token that expires soon is still returned, and no request is sent for another.
    """
    text = token_with(exp=clock.time() + 600)
    connection = connect_any(
        client_id=CLIENT, tenant_id="contoso.com", access_token=text, transport=transport, clock=clock
    )
    clock.advance(540)

    assert text == connection.token().access_token
    assert [] == token_server.forms
    with pytest.raises(InteractionRequiredError):
        connection.token("https://vault.azure.net/.default")


def test_its_claims_are_shown(transport: Transport, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """
    User, tenant and scopes come from the claims, made safe to print. A token for another resource is reported.
    """
    text = token_with(
        exp=clock.time() + 600, upn="ada\x1b@contoso.com", oid="1", tid="t", scp="User.Read", aud="api://orders"
    )

    connection = connect_any(
        client_id=CLIENT, tenant_id="contoso.com", access_token=text, transport=transport, clock=clock
    )

    assert ("1", "t", ("User.Read",)) == (
        connection.account.object_id,
        connection.tenant_id,
        connection.token().scopes,
    )
    assert connection.account.username.isprintable()
    assert f"The access token is for api://orders, not for {GRAPH}." in caplog.text
    assert "canary" not in caplog.text + repr(connection)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("Bearer abc", "a space"),
        ("opaque", "can't be read"),
        (token_with(sub="x"), "can't be read"),
        (token_with(exp="soon"), "can't be read"),
        (token_with(exp=True), "can't be read"),
    ],
)
def test_a_token_must_say_when_it_expires(text: str, words: str) -> None:
    """
    A token whose expiry can't be read would be used after its end.
    """
    with pytest.raises(ParameterError, match=words):
        AccessToken(text)


def test_an_expired_token_is_refused(transport: Transport, clock: FakeClock, private_home: Path) -> None:
    """
    Nothing is saved for a token that has expired.
    """
    text = token_with(exp=clock.time() - 1)

    with pytest.raises(ParameterError, match="has expired"):
        connect_any(
            client_id=CLIENT, tenant_id="contoso.com", access_token=text, transport=transport, clock=clock, name="job"
        )

    assert [] == [path for path in private_home.rglob("job*") if path.suffix != ".lock"]
