"""`entra token`: a token on standard output, renewed if necessary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_token_prints_the_token_and_nothing_else(connected: Command) -> None:
    """
    The token is raw by default, or a header or an object if requested; a fresh token needs no network.
    """
    asked = len(connected.tenant.journal.entries)

    raw, header = connected("token"), connected("token", "--output", "header")
    whole = connected("token", "--json")

    assert (0, "") == (raw.code, raw.error)
    assert raw.output.startswith("eyJ")
    assert f"Authorization: Bearer {raw.output}" == header.output
    assert raw.output.strip() == json.loads(whole.output)["access_token"]
    assert asked == len(connected.tenant.journal.entries)


def test_token_warns_a_person(connected: Command) -> None:
    """
    On a terminal a note says that anyone who sees the token can use it (checklist 47).
    """
    assert "anyone who sees this token" in connected("token", terminal=True).error


def test_token_renews_what_would_end_too_soon(connected: Command) -> None:
    """
    `--min-validity` and `--claims` get a new token, `--scope` one for another resource.
    """
    asked = len(connected.tenant.journal.of("token"))

    assert 0 == connected("token", "--min-validity", "10h").code
    assert 0 == connected("token", "--claims", "e30").code
    assert 0 == connected("token", "--scope", "https://vault.azure.net/.default").code
    assert asked + 3 == len(connected.tenant.journal.of("token"))


def test_names_are_matched_in_any_case(connected: Command) -> None:
    """
    The case of a name does not matter in any command.
    """
    assert 0 == connected("status", "--name", "DEFAULT").code
    assert 0 == connected("token", "--name", "Default").code


@pytest.mark.parametrize("words", [(), ("--quiet",), ("--json",)])
def test_a_long_wait_for_the_token_service_is_reported(connected: Command, words: tuple[str, ...]) -> None:
    """
    During an outage of the token service, standard error says what the command waits for, except with `--quiet` and
    `--json`.
    """
    connected.tenant.faults.add(faults.Failure(endpoint="token", status=503, retry_after=3))

    result = connected("token", "--scope", "https://management.azure.com/.default", *words)

    assert 0 == result.code, result.error
    expected = "" if words else "Waiting 3.0 s: localhost:"
    assert result.error.startswith(expected)
    assert ("" if words else " answered with HTTP 503.\n") == result.error[-len(" answered with HTTP 503.\n") :]
