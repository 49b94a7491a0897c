"""The commands on the embedded tenant's Graph: its rules, errors, batches and delta queries."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command

ROLES = ("User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All")
PASSWORD = "canary-Pa55-w0rd"


@pytest.fixture
def tenant(connected: Command) -> Command:
    """Return the command with an app connected that has write access to users and groups of the embedded tenant."""
    there = connected.tenant
    there.seed.grant_roles(there.confidential_client, "https://graph.microsoft.com", ROLES)
    assert 0 == connected.connect("--graph-url", there.url, app=True).code
    return connected


def user(number: int) -> dict[str, object]:
    """Return a user to create."""
    return {
        "accountEnabled": True, "displayName": f"Test {number:03}", "mailNickname": f"test{number:03}",
        "userPrincipalName": f"test{number:03}@contoso.example",
        "passwordProfile": {"password": PASSWORD},
    }  # fmt: skip


def test_an_app_whose_secret_is_not_kept_makes_requests(entra: Command) -> None:
    """
    The token of an app without a saved credential works for requests until it expires, without a warning.
    """
    there = entra.tenant
    there.seed.grant_roles(there.confidential_client, "https://graph.microsoft.com", ROLES)
    connected = entra.connect("--graph-url", there.url, "--client-secret-stdin", given=there.client_secret, app=True)
    assert 0 == connected.code
    assert "renews itself" not in connected.error
    assert "--save-secret" in connected.error

    asked = [entra("request", "GET", "/users/ada@contoso.example"), entra("request", "GET", "/users", "--all")]

    assert [(0, ""), (0, "")] == [(one.code, one.error) for one in asked]


@pytest.mark.parametrize("form", ["csv", "table"])
def test_a_column_may_be_a_part_of_a_property(tenant: Command, form: str) -> None:
    """
    The whole property is requested from the service; the case of a name does not matter.
    """
    words = ("request", "GET", "/subscribedSkus", "--output", form, "--select")

    result = tenant(*words, "SKUpartNumber,prepaidUnits/enabled,prepaidunits/Warning")
    unknown = tenant(*words, "nope")

    assert ["ENTERPRISEPACK", "50", "0"] == result.output.replace(",", " ").replace('"', "").split()[-3:]
    assert (10, True) == (unknown.code, "nope" in unknown.error)


def test_the_life_of_a_user(tenant: Command, tmp_path: Path) -> None:
    """
    A user is created from standard input, found, changed and deleted. The delta query reports it, and the password is
    not printed.
    """
    delta = ("delta", "/users/delta", "--session", str(tmp_path / "users"))
    there = len(tenant(*delta).output.splitlines())

    created = tenant("request", "POST", "/users", "--body", "-", "--debug", given=json.dumps(user(1)))
    found = tenant("request", "GET", "/users", "--filter", "startsWith(displayName,'Test')", "--output", "csv",
                   "--select", "id,displayName")  # fmt: skip
    identity = json.loads(created.output)["id"]
    changed = tenant("request", "PATCH", f"/users/{identity}", "--body", '{"city": "Köln"}')
    seen = [json.loads(line) for line in tenant(*delta).output.splitlines()]
    deleted = tenant("request", "DELETE", f"/users/{identity}")
    gone = [json.loads(line) for line in tenant(*delta).output.splitlines()]
    missing = tenant("request", "GET", f"/users/{identity}")

    assert there > 1
    assert [{"id": identity, "displayName": "Test 001"}] == list(csv.DictReader(io.StringIO(found.output, newline="")))
    assert (0, "", "") == changed == deleted
    assert [(identity, "Köln")] == [(one["id"], one.get("city")) for one in seen if "@removed" not in one]
    assert [(identity, True)] == [(one["id"], "@removed" in one) for one in gone]
    assert 11 == missing.code
    assert PASSWORD not in created.error + created.output


def test_many_at_once(tenant: Command, tmp_path: Path) -> None:
    """
    60 users created in batches, counted, read in every way, and deleted again.
    """
    requests = [{"id": str(n), "method": "POST", "url": "/users", "body": user(n)} for n in range(60)]
    made = tenant("batch", "-", given=json.dumps({"requests": requests}))
    results = [json.loads(line) for line in made.output.splitlines()]
    ids = {one["body"]["id"] for one in results}
    where = ("--filter", "startsWith(displayName,'Test')", "--top", "25", "--select", "id")
    paged = tenant("request", "GET", "/users", "--all", "--output", "ndjson", *where)
    exported = tenant("request", "GET", "/users", "--parallel", "4", "--out", str(tmp_path / "u.ndjson"), *where[2:])
    removal = [{"id": one, "method": "DELETE", "url": f"/users/{one}"} for one in sorted(ids)]
    removed = tenant("batch", "-", given=json.dumps({"requests": removal}))

    assert ([str(n) for n in range(60)], 60) == ([one["id"] for one in results], len(ids))
    assert ids == {json.loads(line)["id"] for line in paged.output.splitlines()}
    assert 0 == exported.code, exported.error
    assert ids <= {json.loads(line)["id"] for line in (tmp_path / "u.ndjson").read_text().splitlines()}
    assert (0, "60 requests, all done.\n") == (removed.code, removed.error)


def test_refusals_name_the_permission(connected: Command) -> None:
    """
    The error names the permissions of the app and the missing ones, and exits with 9.
    """
    assert 0 == connected.connect("--graph-url", connected.tenant.url, app=True).code

    result = connected("request", "POST", "/users", "--body", json.dumps(user(1)))

    assert 9 == result.code
    assert "User.ReadWrite.All" in result.error
    assert PASSWORD not in result.error


def test_advanced_queries_are_made_ones(tenant: Command) -> None:
    """
    Advanced queries get their header automatically.
    """
    ends = tenant("request", "GET", "/users", "--filter", "endsWith(mail,'@contoso.example')", "--json")
    search = tenant("request", "GET", "/users", "--search", "displayName:Ada", "--count", "--json")

    assert len(json.loads(ends.output)["value"]) > 1
    assert 1 == json.loads(search.output)["@odata.count"]
