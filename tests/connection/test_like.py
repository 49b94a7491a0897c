"""Another connection like one that exists: one sign-in serves further services and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from tests.connection.conftest import Counter
from tests.sign_in.tools import token_with

from entrakit import connect, get_connection
from entrakit.cli.reconnect import reconnect
from entrakit.errors import InteractionRequiredError, NotConnectedError, ParameterError, ParameterSetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

VAULT = "https://vault.azure.net"
connect_any = cast("Callable[..., Connection]", connect)


def test_a_user_signs_in_once_for_several_connections(
    open_person: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, transport: Transport,
    private_home: Path,
) -> None:  # fmt: skip
    """
    The refresh token of a connection gets one for another resource, which then renews itself. Nobody signs in again.
    """
    token_server.answer = Counter(refresh_token="canary-first")
    open_person("default")
    sent = len(token_server.forms)

    made = connect_any(like="default", name="vault", resource=VAULT, clock=clock, transport=transport)
    clock.advance(4000)
    get_connection("vault", clock=clock, transport=transport).token()

    forms = token_server.forms[sent:]
    assert [("refresh_token", "canary-first")] * 2 == [(form["grant_type"], form["refresh_token"]) for form in forms]
    assert {True} == {f"{VAULT}/.default" in form["scope"].split() for form in forms}
    assert ("refresh_token", True) == (made.info.flow, made.info.renews_alone)
    words = f"entra connect --name vault --resource {VAULT} --scope {VAULT}/.default --like default"
    assert words == reconnect(made.info)
    assert "its refresh token" == made.info.next_token_from


def test_without_a_name_it_is_in_memory(
    open_person: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    A connection can be given itself. Without scopes and resource, those of the other one are requested.
    """
    token_server.answer = Counter(refresh_token="canary-first")

    first = open_person()
    made = connect_any(like=first, clock=clock)

    assert ("", first.info.scopes, first.info.cloud) == (made.name, made.info.scopes, made.info.cloud)
    assert first.token().access_token != made.token().access_token


def test_the_credential_of_an_app_is_used_again(
    open_app: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, private_home: Path
) -> None:
    """
    An app's connection gives its credential, also one that was passed as an argument.
    """
    token_server.answer = Counter()

    made = connect_any(like=open_app(), name="vault", resource=VAULT, save_secret=True, clock=clock)

    assert ("secret", f"{VAULT}/.default") == (made.info.flow, token_server.forms[-1]["scope"])
    assert "canary-secret" == token_server.forms[-1]["client_secret"]


def test_a_web_api_acts_like_its_own_connection(
    open_app: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    Together with `on_behalf_of`, the other connection is the web API itself: its credential and its sockets are used.
    """
    token_server.answer = Counter()
    api, user = open_app(), token_with(oid="1", exp=int(clock.time()) + 3600)

    made = [connect_any(like=api, on_behalf_of=user, clock=clock) for _ in range(3)]

    assert {"token-2"} == {one.token().access_token for one in made}
    assert ("canary-secret", user) == (token_server.forms[-1]["client_secret"], token_server.forms[-1]["assertion"])


def test_a_web_api_is_not_like_a_user(
    open_person: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    Only an app's connection can act on behalf of users.
    """
    token_server.answer = Counter(refresh_token="canary-first")
    user = token_with(oid="1", exp=int(clock.time()) + 3600)

    with pytest.raises(ParameterError, match="the other connection is a user's"):
        connect_any(like=open_person(), on_behalf_of=user, clock=clock)


def test_what_has_nothing_to_give_is_explained(
    open_person: Callable[..., Connection], open_app: Callable[..., Connection], token_server: TokenServer,
    clock: FakeClock, private_home: Path,
) -> None:  # fmt: skip
    """
    A connection without a refresh token, a closed one and one that does not exist have each their error.
    """
    token_server.answer = Counter()
    with pytest.raises(InteractionRequiredError, match="no refresh token, so no other connection"):
        connect_any(like=open_person(), clock=clock)
    closed = open_app()
    closed.close()
    with pytest.raises(NotConnectedError, match="was closed"):
        connect_any(like=closed, clock=clock)
    with pytest.raises(NotConnectedError):
        connect_any(like="nowhere", clock=clock)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"name": "JOB"}, ParameterError, "needs another name"),
        ({"client_id": "99999999-2222-3333-4444-555555555555"}, ParameterError, "another app"),
        ({"cloud": "usgov"}, ParameterError, "another cloud"),
        ({"client_secret": "x"}, ParameterSetError, "different ways to sign in"),
    ],
)
def test_what_contradicts_is_refused(
    open_app: Callable[..., Connection], token_server: TokenServer, private_home: Path, more: dict[str, str],
    error: type[ParameterError], words: str,
) -> None:  # fmt: skip
    """
    App and cloud are those of the other connection, which is not replaced. Nothing is sent.
    """
    token_server.answer = Counter()
    api = open_app("job")
    sent = len(token_server.forms)

    with pytest.raises(error, match=words):
        connect_any(like=api, **more)

    assert sent == len(token_server.forms)
