"""@microsoft/microsoft-graph-client against the embedded tenant: objects, pages, queries, batches, delta, retries."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

HERE = Path(__file__).parent / "node"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-node-clients"
GRAPH = "https://graph.microsoft.com"
ROLES = ("User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All")
TIMEOUT_S = 50


@pytest.fixture(scope="module", autouse=True)
def node_clients() -> None:
    """Install the client once; a failing installation is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=300)


@pytest.fixture
def walk(tenant: Tenant) -> Callable[[str], Any]:
    """Return a function that runs a scenario in Node.js as an app with permissions for users."""
    tenant.seed.grant_roles(tenant.confidential_client, GRAPH, ROLES)
    form = {
        "client_id": tenant.confidential_client, "client_secret": tenant.client_secret,
        "grant_type": "client_credentials", "scope": f"{GRAPH}/.default",
    }  # fmt: skip
    trust = ssl.create_default_context(cafile=tenant.ca_path)
    with httpx2.Client(verify=trust, trust_env=False) as http:
        token = http.post(f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token", data=form).json()["access_token"]

    def run(scenario: str) -> Any:  # noqa: ANN401 - JSON
        task = {"scenario": scenario, "url": f"{tenant.url}/", "token": token}
        done = subprocess.run(
            ["node", HERE / "graph.mjs"], check=True, capture_output=True, text=True, timeout=TIMEOUT_S,
            input=json.dumps(task), env=os.environ | {"NODE_EXTRA_CA_CERTS": tenant.ca_path},
        )  # fmt: skip
        told = json.loads(done.stdout)
        assert "error" not in told, told["error"]
        return told["result"]

    return run


def test_the_life_of_a_user(walk: Callable[[str], Any]) -> None:
    """
    A user is created, changed, read, found and deleted; then it is missing.
    """
    result = walk("life")

    assert ("Una", "Köln") == (result["found"]["displayName"], result["found"]["city"])
    assert [True] == result["listed"]
    assert (404, "Request_ResourceNotFound") == (result["missing"]["status"], result["missing"]["code"])


def test_errors_are_read(walk: Callable[[str], Any]) -> None:
    """
    Status, code, message and request id are in the client's error.
    """
    error = walk("wrong")

    assert (400, "Request_BadRequest") == (error["status"], error["code"])
    assert "A value is required for property" in error["message"]
    assert error["id"]


def test_its_page_iterator_turns_all_pages(walk: Callable[[str], Any]) -> None:
    """
    The iterator follows all next links, and returns each object once.
    """
    result = walk("pages")

    assert 5 == result["first"]
    assert result["made"] == result["found"]


def test_count_search_and_filter(walk: Callable[[str], Any]) -> None:
    """
    Advanced queries work with the header, are refused without it, and the count is plain text.
    """
    result = walk("advanced")

    assert (1, ["Ada"]) == (
        result["searched"]["@odata.count"], [one["displayName"].split()[0] for one in result["searched"]["value"]],
    )  # fmt: skip
    assert len(result["ended"]["value"]) == result["ended"]["@odata.count"] <= int(result["count"])
    assert "Request_UnsupportedQuery" == result["plain"]["code"]


def test_batches(walk: Callable[[str], Any]) -> None:
    """
    An item finds the object created by its dependency, bodies are objects, and an error belongs to one item.
    """
    result = walk("batch")

    assert [201, 200, 404] == [result[key]["status"] for key in ("make", "find", "none")]
    assert "Una" == result["make"]["body"]["displayName"] == result["find"]["body"]["displayName"]
    assert "Request_ResourceNotFound" == result["none"]["body"]["error"]["code"]


def test_delta(walk: Callable[[str], Any]) -> None:
    """
    The iterator returns the delta link of the first round; the next round has a new user and a tombstone.
    """
    result = walk("delta")

    assert {"id": result["gone"], "@removed": {"reason": "changed"}} in result["items"]
    assert {"id": result["fresh"], "displayName": "New"} in result["items"]
    assert 2 == len(result["items"])


def test_it_repeats_what_was_throttled(walk: Callable[[str], Any], tenant: Tenant) -> None:
    """
    The client's own retry handler waits for the given time, and repeats the request.
    """
    tenant.faults.add(faults.Throttle(endpoint="graph", retry_after=1))
    started = time.monotonic()

    assert walk("list") > 1
    assert time.monotonic() - started >= 1
    assert [429, 200] == [one.status for one in tenant.journal.of("graph")]
