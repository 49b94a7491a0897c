"""The tree of commands for completion."""

from __future__ import annotations

import argparse

import pytest

from entrakit.cli.command_table import TREE
from entrakit.cli.completion.tree import CONNECTIONS, FILES, Value, branches, plain, value_of


def test_every_node_is_a_branch() -> None:
    """
    `entra` itself, every noun and every command occur once, each with options.
    """
    found = list(branches())

    assert sorted(["", *(node.path for node in TREE)]) == sorted(branch.path for branch in found)
    assert all(branch.options for branch in found)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"metavar": "FILE"}, Value(FILES)),
        ({"metavar": "CONNECTION"}, Value(CONNECTIONS)),
        ({"choices": ("a", "b")}, Value(words=("a", "b"))),
        ({"metavar": "METHOD"}, Value(words=("GET", "POST", "PATCH", "PUT", "DELETE"))),
        ({"metavar": "SCOPE"}, Value()),
        ({}, Value()),
    ],
)
def test_the_placeholder_decides_how_a_value_is_completed(settings: dict[str, str], expected: Value) -> None:
    """
    Choices are completed by themselves, other values by their placeholder.
    """
    action = argparse.ArgumentParser().add_argument("--option", **settings)  # type: ignore[arg-type]

    assert expected == value_of(action)


def test_special_characters_of_shells_are_removed() -> None:
    """
    A help text can't end a quote, a bracket or a description in a shell.
    """
    assert "its (a) -b 100%" == plain("it's [a]:b 100%%")
