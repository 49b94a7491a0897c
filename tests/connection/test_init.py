"""Connections: their members, what they save and forget, and saved ones in several processes."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import CLIENT, Counter

from entrakit import Connection, Secret, connect, disconnect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import NetworkError, NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit.http.transport import Transport


def test_a_connection_has_fourteen_public_members() -> None:
    """
    A connection has only the members that a user needs.
    """
    assert [
        "account",
        "aio",
        "close",
        "disconnect",
        "get_token",
        "get_token_info",
        "graph",
        "headers",
        "info",
        "is_fresh",
        "name",
        "service",
        "tenant_id",
        "token",
    ] == [name for name in dir(Connection) if not name.startswith("_")]


def test_a_fresh_token_is_returned_as_it_is(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    While more than five minutes are left, no request is sent.
    """
    token_server.answer = Counter()
    connection = open_app()

    assert ["token-1"] * 3 == [connection.token().access_token for _ in range(3)]
    assert {"Authorization": "Bearer token-1"} == connection.headers()


def test_another_resource_gets_its_own_token(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    One connection serves several resources, one token for each.
    """
    token_server.answer = Counter()
    connection = open_app()

    vault = connection.token("https://vault.azure.net/.default")

    assert "https://vault.azure.net/.default" == token_server.forms[-1]["scope"]
    assert vault is connection.token("https://vault.azure.net/.default")
    assert "token-1" == connection.token().access_token


def test_a_kept_connection_is_opened_by_its_name(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Another process opens the connection by name and sends nothing while the token is fresh.
    """
    token_server.answer = Counter()
    open_app("job")
    asked = len(token_server.paths)

    again = get_connection("job", clock=clock)

    assert "token-1" == again.token().access_token
    assert asked == len(token_server.paths)


def test_disconnecting_forgets(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    After disconnect nothing is left, in memory or on disk.
    """
    token_server.answer = Counter()
    connection = open_app("job")

    connection.disconnect()

    with pytest.raises(NotConnectedError):
        connection.token()
    with pytest.raises(NotConnectedError):
        get_connection("job")


def test_a_context_forgets_and_keeps(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    At the end of a with block secrets leave memory; the saved connection stays.
    """
    token_server.answer = Counter()
    with open_app("job") as connection:
        connection.token()

    with pytest.raises(NotConnectedError):
        connection.token()
    assert "token-1" == get_connection("job", clock=clock).token().access_token


def test_a_connection_shows_no_secret(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    Repr shows the account, and no secret; a pickle is refused (checklist 49).
    """
    connection = open_app()

    assert "canary" not in repr(connection)
    assert CLIENT in repr(connection)
    with pytest.raises(TypeError):
        pickle.dumps(connection)


@pytest.mark.parametrize(
    "granted",
    [
        {"access_token": "a\r\nX: y"},
        {"access_token": "a b"},
        {"access_token": "tokän"},
        {"access_token": "a", "token_type": "pop"},
        {"access_token": "a", "token_type": "B\r\nd"},
    ],
)
def test_what_can_be_no_header_is_no_token(
    token_server: TokenServer, open_app: Callable[..., Connection], granted: dict[str, object]
) -> None:
    """
    A token becomes a header, so it has visible characters only and is a bearer token (RFC 6750, 2.1).
    """
    token_server.answer = lambda form: (200, {"expires_in": 3600} | granted)

    with pytest.raises(NetworkError):
        open_app()


def test_a_renewal_of_another_process_is_taken_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport
) -> None:
    """
    A process whose token is due reads the entry first: another process may have renewed it.
    """
    answer = token_server.answer = Counter()
    first = open_app("job", Secret("canary-secret"))
    other = get_connection("job", clock=clock, transport=transport)
    clock.advance(4000)
    first.token()

    assert "token-2" == other.token().access_token
    assert 2 == answer.count


def test_a_connection_removed_elsewhere_is_not_brought_back(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    After a sign-out in another process, a renewal neither succeeds nor writes the entry again.
    """
    token_server.answer = Counter()
    connection = open_app("job")
    disconnect("job")
    clock.advance(4000)

    with pytest.raises(NotConnectedError):
        connection.token()
    with pytest.raises(NotConnectedError):
        get_connection("job")


def test_another_connection_under_the_name_is_not_taken_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport
) -> None:
    """
    If another app was saved under the name meanwhile, the secret is not sent for it: the renewal ends.
    """
    token_server.answer = Counter()
    connection = open_app("job")
    connect(
        client_id="bbbbbbbb-2222-3333-4444-555555555555", tenant_id=token_server.tenant_id, client_secret="theirs",
        name="job", cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip
    asked = len(token_server.forms)
    clock.advance(4000)

    with pytest.raises(NotConnectedError, match="Another connection"):
        connection.token()
    assert asked == len(token_server.forms)
