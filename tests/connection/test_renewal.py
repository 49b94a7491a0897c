"""Renewals: with the refresh token, with a credential that is saved or read again, or by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import CLIENT, Counter

from entrakit import Connection, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import InteractionRequiredError
from entrakit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit.http.transport import Transport


def test_the_next_refresh_token_replaces_the_last(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Each answer's refresh token is the one that is used next (checklist 34).
    """
    numbers = iter(range(1, 9))
    token_server.answer = lambda form: (
        200,
        {"token_type": "Bearer", "expires_in": "3600", "access_token": "a", "refresh_token": f"r{next(numbers)}"},
    )
    connection = open_person()
    for _ in range(2):
        clock.advance(4000)
        connection.token()

    assert ["r1", "r2"] == [form["refresh_token"] for form in token_server.forms if "refresh_token" in form]


def test_a_revoked_refresh_token_needs_a_person(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A renewal never opens a browser or a prompt: it says how to connect again, and sends one request.
    """
    answer = token_server.answer = Counter(refresh_token="r1")
    connection = open_person()
    answer.status = 400
    clock.advance(4000)
    asked = len(token_server.forms)

    with pytest.raises(InteractionRequiredError) as caught:
        connection.token()

    assert ("connect",) == caught.value.parameters
    assert connection.info == caught.value.settings
    assert asked + 1 == len(token_server.forms)


def test_without_a_refresh_token_a_person_is_needed(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A user's connection without a refresh token ends with its token.
    """
    token_server.answer = Counter()
    connection = open_person()
    clock.advance(4000)

    with pytest.raises(InteractionRequiredError, match="no refresh token"):
        connection.token()


def test_a_secret_is_read_again_from_where_it_came(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A later process renews with the secret that the environment has now, which may be a new one.
    """
    token_server.answer = Counter()
    open_app("job", Secret.from_env("APP_SECRET", {"APP_SECRET": "old"}))
    clock.advance(4000)
    monkeypatch.setenv("APP_SECRET", "new")

    get_connection("job", clock=clock, transport=transport).token()

    assert "new" == token_server.forms[-1]["client_secret"]


@pytest.mark.parametrize("secret", ["typed", Secret.from_env("GONE", {"GONE": "x"})])
def test_a_secret_that_is_gone_is_told(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport,
    secret: str | Secret,
) -> None:  # fmt: skip
    """
    A credential that was not saved and can't be read again is named, with the call that connects again.
    """
    token_server.answer = Counter()
    open_app("job", secret)
    clock.advance(4000)

    with pytest.raises(InteractionRequiredError, match="client secret") as caught:
        get_connection("job", clock=clock, transport=transport).token()

    assert ("connect", "save_secret") == caught.value.parameters


def test_a_saved_secret_renews_alone(token_server: TokenServer, clock: FakeClock, transport: Transport) -> None:
    """
    With `save_secret` the credential is saved, encrypted, and a later process needs nothing else.
    """
    token_server.answer = Counter()
    connect(
        client_id=CLIENT, tenant_id=token_server.tenant_id, client_secret="kept", name="job", save_secret=True,
        cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip
    clock.advance(4000)

    assert "token-2" == get_connection("job", clock=clock, transport=transport).token().access_token
