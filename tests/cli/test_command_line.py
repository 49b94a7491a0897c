"""Command lines: the command that they name, wherever its options are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_line import UsageError, read_command_line

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("words", "path", "rest"),
    [
        ("token", "token", []),
        ("--json token --name a", "token", ["--json", "--name", "a"]),
        ("--vault-key-from keyring token", "token", ["--vault-key-from", "keyring"]),
        ("--vault-key-from=keyring token", "token", ["--vault-key-from=keyring"]),
        ("-q vault --json export file -v", "vault export", ["-q", "--json", "file", "-v"]),
        ("request GET token", "request", ["GET", "token"]),
        ("token --output token", "token", ["--output", "token"]),
        ("auth login --name a", "connect", ["--name", "a"]),
        ("-v auth --json logout", "disconnect", ["-v", "--json"]),
    ],
)
def test_options_may_be_anywhere(words: str, path: str, rest: list[str]) -> None:
    """
    General options may come before, between and after the words of a command; all other words stay in their order.
    """
    line = read_command_line(words.split())

    assert line.node is not None
    assert (path, rest) == (line.node.path, line.rest)
    assert not line.wants_help


@pytest.mark.parametrize("words", ["help vault export", "vault help export", "vault export --help", "-h vault export"])
def test_help_of_a_command(entra: Command, words: str) -> None:
    """
    `help` before the command and `--help` anywhere print the same page.
    """
    assert entra("vault", "export", "--help") == entra(*words.split())


@pytest.mark.parametrize("words", ["--version", "version", "--json --version"])
def test_version(words: str) -> None:
    """
    The version can be requested by an option or a word.
    """
    assert read_command_line(words.split()).is_version


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("vautl", "The command 'vautl' does not exist."),
        ("vault chek", "The command 'vault chek' does not exist."),
        ("auth", "The command 'auth' does not exist."),
        ("auth logni", "The command 'auth logni' does not exist."),
        ("--output json token", "The option --output comes before the command."),
        (f"{'x' * 80}", "The command with this name does not exist."),
    ],
)
def test_unknown_commands(words: str, problem: str) -> None:
    """
    The error names the words up to the unknown one; an option whose value was taken for a command is named instead.
    """
    with pytest.raises(UsageError) as caught:
        read_command_line(words.split())

    assert problem == caught.value.problem


def test_a_noun_requires_a_command(entra: Command) -> None:
    """
    A noun alone lists its commands, as an error; so does a command line that has options only.
    """
    result = entra("vault")

    assert (2, "") == (result.code, result.output)
    assert "`entra vault` requires a command: path, check, rekey, export, import." in result.error
    assert "requires a command" in entra("--quiet").error
