"""`entra inspect`: a token, explained, and its permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_inspect_says_it_in_words(connected: Command) -> None:
    """
    The output has the resource, the account, the expiry, and an explanation of each permission.
    """
    result = connected("inspect")

    assert 0 == result.code
    for words in ("Microsoft Graph", "the app itself", "User.Read.All", "read all profiles of users", "Ends:"):
        assert words in result.output
    assert "eyJ" not in result.output


def test_inspect_requires(connected: Command) -> None:
    """
    `--require` exits with 9 and names the permission if it is missing.
    """
    assert 0 == connected("inspect", "--require", "user.read.all").code
    missing = connected("inspect", "--require", "Mail.Send", "--json")
    assert 9 == missing.code
    assert "Mail.Send" in missing.error
    assert "User.Read.All" in [one["name"] for one in json.loads(missing.output)["permissions"]]


def test_inspect_reads_a_token_from_standard_input(entra: Command) -> None:
    """
    Any token can be inspected; for an unreadable one the output says why, with exit code 0.
    """
    result = entra("inspect", "--token-stdin", given="Bearer opaque\n")

    assert 0 == result.code
    assert "opaque" in result.error


def test_permissions_may_be_listed_with_commas(connected: Command) -> None:
    """
    `--require A,B` requires both.
    """
    assert 0 == connected("inspect", "--require", "User.Read.All,Group.Read.All").code
    assert "lacks Mail.Send." in connected("inspect", "--require", "User.Read.All,Mail.Send").error


def test_the_connection_is_an_argument_as_well(connected: Command) -> None:
    """
    `entra inspect NAME` explains the token of that connection, as `--name NAME` does.
    """
    by_argument = connected("inspect", "default", "--json")
    by_option = connected("inspect", "--name", "default", "--json")

    assert (0, 0) == (by_argument.code, by_option.code), by_argument.error
    assert json.loads(by_argument.output)["permissions"] == json.loads(by_option.output)["permissions"]
