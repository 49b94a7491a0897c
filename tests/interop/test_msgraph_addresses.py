"""Addresses of v1.0, as the request builders of msgraph-sdk have them: each is answered, or refused by name."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.emulator.conftest import Caller
from tests.emulator.graph.conftest import GRAPH, Graph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from entrakit_emulator import Tenant

ROLES = (
    "User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All", "Directory.ReadWrite.All",
    "Device.ReadWrite.All", "Organization.Read.All", "User.DeleteRestore.All",
)  # fmt: skip
FOLDERS = (
    "users", "groups", "applications", "service_principals", "devices", "organization", "subscribed_skus",
    "directory_objects", "directory/deleted_items",
)  # fmt: skip
# Deeper addresses belong to mail, files, teams and others.
DEEPEST = 5
TEMPLATE = re.compile(r'"\{\+baseurl\}/([^"?]+?)(?:\{\?[^"]*|\?[^"]*)?"')

UNKNOWN = re.compile(r"Resource (?:not found for the segment )?'([^']*)'")


class Address(NamedTuple):
    """A method and a path with `{id}` for each key."""

    method: str
    path: str


def addresses(folder: Traversable) -> Iterator[Address]:
    """Yield the addresses of all request builders in a folder of the SDK."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from addresses(one)
        elif one.name.endswith("_request_builder.py"):
            text = one.read_text(encoding="utf-8")
            found = TEMPLATE.search(text)
            path = re.sub(r"\{[^}]*%2Did\}", "{id}", found[1]) if found else ""
            if found and path.count("/") < DEEPEST:
                yield from (
                    Address(name.upper(), path) for name in re.findall(r"async def (get|post|patch|put|delete)\(", text)
                )


@pytest.fixture
def graph(tenant: Tenant) -> Iterator[Graph]:
    """Graph as an app with all permissions sees it, without throttling."""
    tenant.seed.grant_roles(tenant.confidential_client, GRAPH, ROLES)
    tenant.seed.change_settings({"throttles": False})
    caller = Caller(tenant)
    yield Graph(caller, caller.app_token().json()["access_token"])
    caller.http.close()


@pytest.mark.timeout(120)
def test_every_address_of_the_sdk_is_answered_or_refused_by_name(graph: Graph) -> None:
    """
    No address of v1.0 gets 405, an unknown segment, or 404 for a part of the path that is not a key.
    """
    keys = {
        "users": graph.make_user("Una")["id"],
        "groups": graph.make_group("Team")["id"],
        "applications": graph.ask("POST", "/applications", {"displayName": "Robot"}).json()["id"],
        "organization": graph.tenant.tenant_id,
        "subscribedSkus": graph.get("/subscribedSkus")["value"][0]["id"],
    }
    root = resources.files("msgraph").joinpath("generated")
    known = [one for folder in FOLDERS for one in addresses(root.joinpath(folder)) if "_with_" not in one.path]
    wrong = []
    # Deletions come last, since they remove the objects of the other addresses.
    for method, path in sorted(known, key=lambda one: one.method == "DELETE"):
        key = keys.get(path.split("/", maxsplit=1)[0], keys["users"])
        url = "/" + path.replace("{id}", key, 1).replace("{id}", keys["users"])
        response = graph.ask(method, url, {} if method in ("POST", "PATCH", "PUT") else None)
        message = response.json()["error"]["message"] if response.status_code in (400, 404) else ""
        unknown = UNKNOWN.match(message)
        # A user without a manager has none (404), which is the answer of the service.
        is_segment = unknown is not None and unknown[1] in path.split("/") and unknown[1] != "manager"
        if response.status_code == 405 or is_segment:
            wrong.append((method, path, response.status_code, message))

    assert len(known) > 500
    assert [] == wrong
