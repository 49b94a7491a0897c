"""`entra disconnect`: nothing of a connection is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_disconnect_leaves_nothing(connected: Command, private_home: Path) -> None:
    """
    After disconnect no file of the connection exists, and no file contains its token (checklist 43).
    """
    token = connected("token").output.strip()

    result = connected("disconnect", "--json")

    assert ["default"] == json.loads(result.output)["disconnected"]
    assert [] == list((private_home / "connections").iterdir())
    for path in private_home.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()


def test_disconnect_all(connected: Command) -> None:
    """
    `--all` removes all connections, and reports it if there are none.
    """
    connected.connect("--name", "other", app=True)
    damaged = Path(connected.environ["ENTRAKIT_HOME"]) / "connections" / "other.json"
    damaged.write_text("{")
    assert 8 == connected("token", "--name", "other").code

    assert "default, other" in connected("disconnect", "--all").error
    assert [] == list(damaged.parent.iterdir())
    assert "There are no saved connections" in connected("disconnect", "--all").error


@pytest.mark.parametrize(("answer", "words", "is_removed"), [
    ("yes\n", (), True), ("n\n", (), False), ("", (), False), ("", ("--yes",), True),
])  # fmt: skip
def test_on_a_terminal_all_are_removed_if_the_user_agrees(
    connected: Command, answer: str, words: tuple[str, ...], *, is_removed: bool
) -> None:
    """
    The question lists the connections, `--yes` answers it, and any other answer than yes exits with 130.
    """
    connected.connect("--name", "other", app=True)

    result = connected("disconnect", "--all", *words, given=answer, terminal=True)

    assert (0 if is_removed else 130) == result.code
    assert ("Saved connections: default, other\nRemove all of them? [y/N]" in result.error) is not bool(words)
    assert (3 if is_removed else 0) == connected("status").code


def test_the_only_connection_is_the_one_that_is_removed(connected: Command) -> None:
    """
    Without a name, the current connection is removed; the only one is current.
    """
    connected.connect("--name", "job", app=True)

    assert ["default", "job"] == [json.loads(connected("disconnect", "--json").output)["disconnected"][0] for _ in "ab"]
