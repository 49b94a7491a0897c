"""`entra disconnect`: nothing of a connection is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

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
