"""`entra use`: the connection that commands use by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_use_chooses(connected: Command) -> None:
    """
    Commands use the selected connection by default.
    """
    connected.connect("--name", "other", app=True)

    assert 0 == connected("use", "other", "--json").code
    assert "*\tother" in connected("status").output
