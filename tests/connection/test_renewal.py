"""Renewals: with the refresh token, or by the user if it is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter

from entrakit.errors import (
    InteractionRequiredError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection


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
