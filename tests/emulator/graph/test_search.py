"""`$search`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.emulator.graph.conftest import EVENTUAL

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_search(people: Graph) -> None:
    """
    Clauses match words or beginnings, and are joined by AND and OR.
    """

    def found(text: str) -> list[str]:
        page = people.get(f"/users?$search={quote(text)}", **EVENTUAL)
        return sorted(one["displayName"] for one in page["value"])

    assert found('"displayName:zo"') == ["Zoe"]
    assert found('"displayName:zoe" OR "displayName:yan"') == ["Yan", "Zoe"]
    assert found('"displayName:zoe" AND "mail:zoe@"') == ["Zoe"]
    assert found('("displayName:zoe" OR "displayName:xia") AND "userPrincipalName:x"') == ["Xia"]
    assert people.refusal("/users?$search=zoe", **EVENTUAL)[0] == 400
