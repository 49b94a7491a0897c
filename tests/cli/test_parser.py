"""Command lines: mistakes are explained without repeating secrets, and help fits the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import TREE, Noun

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("token", "--name", "defualt"), 3, "Did you mean 'default'?"),
        (("token", "--min-validity", "soon"), 2, "is not a duration"),
        (("token", "--claims", "{"), 2, "challenge"),
        (("tokn",), 2, "Did you mean token?"),
        (("token", "--outptu", "raw"), 2, "Did you mean --output?"),
        (("token", "--output", "xml"), 2, "raw"),
        (("token", "-o", "xml"), 2, "Next: Try `entra token --output header | curl -H @-"),
        (("token", "default", "extra"), 2, "Too many arguments"),
        (("--debug",), 2, "requires a command"),
        (("use", "nobody"), 3, "Saved: default"),
        (("use",), 2, "NAME"),
        (("disconnect", "nobody"), 3, "entra status"),
        (("disconnect", "a", "--all"), 2, "not both"),
        (("status", "--name", "nobody"), 3, "nobody"),
        (("completion", "tcsh"), 2, "bash"),
    ],
)
def test_what_is_typed_wrong_is_answered(connected: Command, words: tuple[str, ...], code: int, expected: str) -> None:
    """
    The error suggests the nearest command, option or name with an example, and has the right exit code.
    """
    result = connected(*words)

    assert code == result.code
    assert expected in result.error
    assert "" == result.output


def test_help_fits_the_screen(entra: Command) -> None:
    """
    Every command has help with an example, within 80 columns.
    """
    pages = [entra("--help"), entra(), entra("help"), *(entra(*node.path.split(), "--help") for node in TREE)]

    for page in pages:
        assert 0 == page.code
        assert all(len(line) <= 80 for line in page.output.splitlines()), page.output
    for node, page in zip(TREE, pages[3:], strict=True):
        assert "Example:" in page.output
        assert page.output == entra("help", *node.path.split()).output
        assert isinstance(node, Noun) or node.example.split()[0] in page.output


@pytest.mark.parametrize(
    "words",
    [
        ["connect", "--client-secret-stdin=canary"],
        ["connect", "--port", "canary"],
        ["token", "--output", "canary"],
        ["connect", "--no-such-option", "canary"],
        ["connect", "--password=canary"],
        ["token", "default", "canary"],
    ],
)
def test_what_is_typed_in_the_wrong_place_is_not_repeated(entra: Command, words: list[str]) -> None:
    """
    The error does not repeat an unexpected value, which may be a secret.
    """
    result = entra(*words)

    assert 2 == result.code
    assert "canary" not in result.error
