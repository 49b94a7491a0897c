"""A refresh token that exists already: it is redeemed once, and the connection then has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.sign_in.flows.refresh_token import RefreshToken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


def connected(server: TokenServer, transport: Transport, clock: FakeClock, name: str | None = None) -> Connection:
    """Connect with the refresh token `first`."""
    return connect(
        client_id=CLIENT, tenant_id=server.tenant_id, refresh_token="first", name=name,
        cloud=find_cloud(server.url), transport=transport, clock=clock,
    )  # fmt: skip


@pytest.mark.parametrize(("more", "expected"), [({"refresh_token": "second"}, "second"), ({}, "first")])
def test_the_next_refresh_token_is_used(
    token_server: TokenServer, transport: Transport, clock: FakeClock, private_home: Path,
    more: dict[str, str], expected: str,
) -> None:  # fmt: skip
    """
    A later process renews with the token that replaced the given one; with the given one if none came.
    """
    token_server.answer = Counter(**more)

    connection = connected(token_server, transport, clock, name="job")
    clock.advance(4000)
    get_connection("job", clock=clock, transport=transport).token()

    assert ("refresh_token", True) == (connection.info.flow, connection.info.renews_alone)
    assert ["first", expected] == [form["refresh_token"] for form in token_server.forms]
    assert {"refresh_token"} == {form["grant_type"] for form in token_server.forms}


def test_a_revoked_token_needs_the_user(token_server: TokenServer, transport: Transport, clock: FakeClock) -> None:
    """
    Neither at the sign-in nor later is a refused token sent again.
    """
    answer = token_server.answer = Counter(refresh_token="second")
    connection = connected(token_server, transport, clock)
    answer.status = 400
    clock.advance(4000)

    with pytest.raises(InteractionRequiredError):
        connection.token()
    with pytest.raises(InteractionRequiredError):
        connected(token_server, transport, clock)

    assert 3 == len(token_server.forms)


@pytest.mark.parametrize("text", ["", "a\nb", "ä"])
def test_an_impossible_token_is_refused(text: str) -> None:
    """
    A token with a character that no token can have is refused before it is sent, and its repr does not show it.
    """
    with pytest.raises(ParameterError):
        RefreshToken(text)
    assert "canary" not in repr(RefreshToken("canary"))
