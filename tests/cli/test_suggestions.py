"""Suggestions for mistyped commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import find
from entrakit.cli.suggestions import OTHER_TOOLS, distance, nearest, remedy_for_command

if TYPE_CHECKING:
    from tests.cli.conftest import Command

NAMES = ("connect", "disconnect", "use", "status", "certificates", "--name", "--no-color", "--output", "--out")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "", 0),
        ("token", "token", 0),
        ("tokn", "token", 1),
        ("tokne", "token", 1),
        ("use", "users", 2),
        ("", "ab", 2),
    ],
)
def test_distance(one: str, other: str, expected: int) -> None:
    """
    Missing, additional, wrong and swapped letters count one each.
    """
    assert expected == distance(one, other)
    assert expected == distance(other, one)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("conect", "connect"),
        ("Connect", "connect"),
        ("disconect", "disconnect"),
        ("certificate", "certificates"),
        ("cert", "certificates"),
        ("--outptu", "--output"),
        ("--nmae", "--name"),
        ("users", ""),
        ("us", ""),
        ("co", ""),
        ("xyz", ""),
        ("--all", ""),
    ],
)
def test_nearest(word: str, expected: str) -> None:
    """
    A word that differs by few letters is recognized, and the beginning of a single name; nothing else is.
    """
    assert expected == nearest(word, NAMES)


def test_a_beginning_is_more_likely_than_two_errors() -> None:
    """
    The beginning of a single name wins over a name that differs by more than one letter.
    """
    assert "--device-code" == nearest("--device", ["--service", "--device-code"])


def test_of_two_equally_near_names_none_is_suggested() -> None:
    """
    A guess between two names would be wrong every other time.
    """
    assert "" == nearest("--sav", ["--sava", "--save"])


@pytest.mark.parametrize("word", sorted(OTHER_TOOLS))
def test_words_of_other_tools_lead_to_a_command(entra: Command, word: str) -> None:
    """
    A word of another tool that is not a command here gets the command to use instead.
    """
    result = entra(word)

    assert 2 == result.code
    assert OTHER_TOOLS[word] in result.error
    assert find(word) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("tokn", "Did you mean token? Try `entra token"),
        ("vautl", "Did you mean vault? Try `entra vault --help`."),
        ("vault chek", "Did you mean check? Try `entra vault check`."),
        ("vault frobnicate", "Commands: path, check, rekey, export, import. `entra vault --help` explains them."),
        ("frobnicate", "Commands: connect, token,"),
        ("account frobnicate", OTHER_TOOLS["account"]),
    ],
)
def test_unknown_commands_have_a_remedy(typed: str, expected: str) -> None:
    """
    The remedy is the nearest command with an example, or the commands of the same noun.
    """
    assert remedy_for_command(typed).startswith(expected)


@pytest.mark.parametrize("words", ["disconnect --name=app --al", "disconnect --revok", "vault import f --replac"])
def test_dangerous_options_are_not_suggested(entra: Command, words: str) -> None:
    """
    An option that removes or overwrites more than the user named is never suggested.
    """
    result = entra(*words.split())

    assert 2 == result.code
    assert "Did you mean" not in result.error
