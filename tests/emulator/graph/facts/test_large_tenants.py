"""Whole tenants: many users, the same in every run, and saved in a file."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Self

import httpx2
import pytest

from entrakit_emulator import start
from entrakit_emulator.graph import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit_emulator import Tenant

GRAPH = "https://graph.microsoft.com"


class App:
    """The confidential app of a tenant, as a client of Graph.

    Args:
        tenant: The tenant.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        context = ssl.create_default_context(cafile=tenant.ca_path)
        self.http = httpx2.Client(base_url=tenant.url, verify=context, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, client_id: str = "", secret: str = "") -> dict[str, Any]:
        """Return the answer of the token service."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id or self.tenant.confidential_client,
            "client_secret": secret or self.tenant.client_secret,
            "scope": f"{GRAPH}/.default",
        }
        answer: dict[str, Any] = self.http.post(f"/{self.tenant.tenant_id}/oauth2/v2.0/token", data=form).json()
        return answer

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the answer of Graph."""
        roles = ["User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All"]
        self.tenant.seed.grant_roles(self.tenant.confidential_client, GRAPH, roles)
        headers = {"Authorization": f"Bearer {self.sign_in()['access_token']}", "ConsistencyLevel": "eventual"}
        answer: dict[str, Any] = self.http.request(method, f"/v1.0/{path}", json=body, headers=headers).json()
        return answer


def test_a_large_tenant_is_served() -> None:
    """
    A large tenant has groups, guests, disabled accounts and names with many letters; one group for each hundred users.
    """
    with start(users=500) as tenant, App(tenant) as app:
        users = app.call("GET", "users?$top=999&$select=id,userPrincipalName,userType,accountEnabled")["value"]
        groups = app.call("GET", "groups?$top=999")["value"]
        members = app.call("GET", f"groups/{groups[1]['id']}/members?$top=999&$count=true")

    assert 500 + len(tenant.users) == len(users)
    assert {"Guest", "Member"} == {one["userType"] for one in users}
    assert {True, False} == {one["accountEnabled"] for one in users}
    assert len({one["userPrincipalName"][0] for one in users}) >= 20
    assert (5, 100) == (len(groups), members["@odata.count"])


def test_a_snapshot_keeps_what_was_made(tmp_path: Path) -> None:
    """
    A snapshot contains objects, links, and the users and apps that can sign in; an app without a service principal
    still can't.
    """
    path = str(tmp_path / "tenant.json")
    with start(users=20) as tenant, App(tenant) as app:
        made, bare = (app.call("POST", "applications", {"displayName": name}) for name in ("Nightly", "Bare"))
        secrets = [app.call("POST", f"applications/{one['id']}/addPassword", {})["secretText"] for one in (made, bare)]
        app.call("POST", "servicePrincipals", {"appId": made["appId"]})
        before = app.call("GET", "users?$top=999")["value"]
        tenant.snapshot(path)
    with start(restore=path) as tenant, App(tenant) as app:
        assert before == app.call("GET", "users?$top=999")["value"]
        assert "access_token" in app.sign_in(made["appId"], secrets[0])
        assert [700016] == app.sign_in(bare["appId"], secrets[1])["error_codes"]

        app.call("POST", "servicePrincipals", {"appId": bare["appId"]})

        assert "access_token" in app.sign_in(bare["appId"], secrets[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a snapshot"),
        ("[]", "is not a snapshot"),
        ('{"entrakit_emulator": 99}', "newer version"),
        ('{"entrakit_emulator": 1}', "damaged"),
        ('{"entrakit_emulator": 1, "users": [], "apps": [], "database": "AAAA"}', "damaged"),
    ],
)
def test_what_is_no_snapshot_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """
    A ValueError names the problem of the file.
    """
    path = tmp_path / "tenant.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=words):
        snapshot.read(str(path))


def test_a_snapshot_that_can_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    """
    No partial or temporary file remains.
    """
    folder = tmp_path / "snapshots"
    (folder / "tenant.json").mkdir(parents=True)
    with start() as tenant, pytest.raises(OSError):
        tenant.snapshot(str(folder / "tenant.json"))

    assert ["tenant.json"] == [one.name for one in folder.iterdir()]
