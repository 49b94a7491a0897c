"""Errors of Microsoft Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.graph.conftest import USER

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_a_conflict_has_details(graph: Graph) -> None:
    """
    The code in `details` identifies a conflict.
    """
    error = graph.ask("POST", "/users", USER | {"userPrincipalName": "ada@contoso.example"}).json()["error"]

    assert [("ObjectConflict", "userPrincipalName")] == [(one["code"], one["target"]) for one in error["details"]]
    assert ["code", "message", "details", "innerError"] == list(error)


def test_errors_are_of_graphs_shape(caller: Caller) -> None:
    """
    An error has code, message, innerError with a date without Z, and two ids; the type is application/json (service
    facts, 3.2).
    """
    response = caller.graph("")
    error = response.json()["error"]

    assert ["code", "message", "innerError"] == list(error)
    assert not error["innerError"]["date"].endswith("Z")
    assert response.headers["request-id"] == error["innerError"]["request-id"]
    assert "application/json" == response.headers["content-type"]
