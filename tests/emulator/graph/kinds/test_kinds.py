"""A kind of objects is one file with one value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from tests.emulator.conftest import Caller
from tests.emulator.graph.conftest import EVENTUAL, GRAPH, Graph

from entrakit_emulator import start
from entrakit_emulator.graph import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = """
from entrakit_emulator.graph.kind import Kind
from entrakit_emulator.graph.schema import names_in, typed

KIND = Kind(
    name="printer",
    collection="printers",
    properties=typed("id displayName location serial", booleans="isShared", dates="createdDateTime", lists="tags"),
    default=names_in("id displayName location isShared tags"),
    required=("displayName",),
    filters={"es": "displayName location", "e": "isShared tags"},
    sorting=frozenset({"displayName"}),
    searching=frozenset({"displayName"}),
    read="Printer.Read.All Printer.ReadWrite.All",
    write="Printer.ReadWrite.All",
    alternate_key="serial",
)
"""


@pytest.fixture
def printers(caller: Caller, tmp_path: Path) -> Iterator[Graph]:
    """Graph with another kind of objects, which is in one more file, as an app with its permission sees it."""
    (tmp_path / "printers.py").write_text(FILE, encoding="utf-8")
    kinds.__path__.append(str(tmp_path))
    kinds.find()
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, GRAPH, ["Printer.ReadWrite.All"])
    try:
        yield Graph(caller, caller.app_token().json()["access_token"])
    finally:
        kinds.__path__.remove(str(tmp_path))
        del kinds.KINDS["printer"], sys.modules[f"{kinds.__name__}.printers"]


def made(graph: Graph, *names: str) -> list[str]:
    """Create printers, and return their ids."""
    bodies = [{"displayName": name, "location": name[:1], "serial": name.lower(), "isShared": True} for name in names]
    answers = [graph.ask("POST", "/printers", body) for body in bodies]
    assert {201} == {one.status_code for one in answers}
    return [one.json()["id"] for one in answers]


def test_objects_of_a_new_kind_are_written_and_read(printers: Graph) -> None:
    """
    Create, read, change and delete work, by the id and by the alternate key; deleted objects can be restored.
    """
    (one,) = made(printers, "Alpha")
    changed = printers.ask("PATCH", f"/printers/{one}", {"location": "B"}).status_code
    read = printers.get("/printers(serial='ALPHA')")
    deleted = printers.ask("DELETE", f"/printers/{one}").status_code
    restored = printers.ask("POST", f"/directory/deletedItems/{one}/restore").status_code

    assert (204, 204, 200) == (changed, deleted, restored)
    assert {"id": one, "displayName": "Alpha", "location": "B", "isShared": True, "tags": []} == {
        name: value for name, value in read.items() if name != "@odata.context"
    }
    assert "#printers/$entity" in read["@odata.context"]
    assert "Printer" in printers.refusal("/printers", "POST", {})[2]
    assert (400, "Request_BadRequest") == printers.refusal(f"/printers/{one}", "PATCH", {"colour": "red"})[:2]


def test_a_new_kind_is_listed_filtered_paged_and_counted(printers: Graph) -> None:
    """
    Lists have `$select`, `$filter`, `$search`, `$orderby`, pages and counts.
    """
    ids = made(printers, "Alpha", "Beta", "Gamma", "Anton", "Delta")

    def names(options: str, **headers: str) -> list[str]:
        return [one["displayName"] for one in printers.get(f"/printers?{options}", **headers)["value"]]

    assert ids == printers.ids("/printers?$top=2")
    assert ["Alpha", "Anton"] == names("$filter=startsWith(location,'a') and isShared eq true")
    assert ["Beta"] == names('$search="displayName:bet"', **EVENTUAL)
    assert "Gamma" == names("$orderby=displayName desc&$top=1")[0]
    assert {"serial"} == set(printers.get("/printers?$select=serial&$top=1")["value"][0])
    assert "5" == printers.ask("GET", "/printers/$count", **EVENTUAL).text
    assert 5 == printers.get("/printers?$count=true&$top=2", **EVENTUAL)["@odata.count"]


def test_a_new_kind_has_delta_queries(printers: Graph) -> None:
    """
    A delta query reports all objects at first, then new, changed and deleted ones.
    """
    first, second = made(printers, "Alpha", "Beta")
    round_ = printers.get("/printers/delta")
    printers.ask("PATCH", f"/printers/{first}", {"location": "cellar"})
    printers.ask("DELETE", f"/printers/{second}")
    (third,) = made(printers, "Gamma")
    later = {one["id"]: one for one in printers.get(round_["@odata.deltaLink"])["value"]}

    assert [first, second] == [one["id"] for one in round_["value"]]
    assert ("cellar", "changed", "Gamma") == (
        later[first]["location"], later[second]["@removed"]["reason"], later[third]["displayName"],
    )  # fmt: skip


def test_a_new_kind_is_read_in_batches(printers: Graph) -> None:
    """
    Requests of a batch reach the new kind.
    """
    (one,) = made(printers, "Alpha")
    requests = [
        {"id": "1", "method": "GET", "url": f"/printers/{one}"},
        {"id": "2", "method": "GET", "url": "/printers?$filter=displayName eq 'alpha'"},
        {"id": "3", "method": "DELETE", "url": f"/printers/{one}", "dependsOn": ["1", "2"]},
    ]
    answers = {each["id"]: each for each in printers.ask("POST", "/$batch", {"requests": requests}).json()["responses"]}

    assert {"1": 200, "2": 200, "3": 204} == {key: each["status"] for key, each in answers.items()}
    assert one == answers["1"]["body"]["id"] == answers["2"]["body"]["value"][0]["id"]


def test_a_snapshot_has_objects_of_a_new_kind(printers: Graph, tmp_path: Path) -> None:
    """
    A tenant that starts from a snapshot has the objects.
    """
    ids = made(printers, "Alpha", "Beta")
    printers.tenant.snapshot(str(tmp_path / "tenant.json"))

    with start(restore=str(tmp_path / "tenant.json")) as tenant:
        caller = Caller(tenant)
        again = Graph(caller, caller.app_token().json()["access_token"])
        listed = again.ids("/printers")
        caller.http.close()

    assert ids == listed


def test_a_new_kind_has_its_rows_on_the_coverage_page(printers: Graph, caller: Caller) -> None:
    """
    The coverage page lists the addresses of the kind; other callers than its readers are refused.
    """
    rows = caller.control("GET", "coverage").json()["graph"]

    assert [
        "DELETE /printers/{id}", "GET /printers", "GET /printers/$count", "GET /printers/delta", "GET /printers/{id}",
        "PATCH /printers/{id}", "POST /printers",
    ] == [row for row in rows if "/printers" in row and "()" not in row and "microsoft" not in row]  # fmt: skip
    assert 403 == Graph(caller, caller.person_token()).refusal("/printers")[0]
    assert "GET /devices/{id}/registeredOwners" in rows
    assert printers.get("/printers")["value"] == []
