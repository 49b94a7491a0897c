"""A client of Graph that was written from the service's documentation only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2
    from tests.emulator.conftest import Caller

GRAPH = "https://graph.microsoft.com"
ALL = (
    "User.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All", "Application.ReadWrite.All",
    "User.DeleteRestore.All", "User.RevokeSessions.All", "LicenseAssignment.ReadWrite.All", "Organization.Read.All",
)  # fmt: skip
EVENTUAL = {"ConsistencyLevel": "eventual"}
DOMAIN = "contoso.example"


class Graph:
    """A client of Graph, by default an app with all permissions.

    Args:
        caller: Client of the tenant.
    """

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.http = caller.http
        self.may(*ALL)

    def may(self, *roles: str) -> None:
        """Continue with a token with exactly these app roles."""
        self.caller.tenant.seed.grant_roles(self.caller.tenant.confidential_client, GRAPH, roles)
        self.token: str = self.caller.app_token().json()["access_token"]

    def sign_in(self, *scopes: str) -> None:
        """Continue as a user whose token has exactly these delegated permissions."""
        tenant = self.caller.tenant
        tenant.seed.withdraw(tenant.users.normal.upn, tenant.public_client)
        tenant.seed.grant(tenant.users.normal.upn, tenant.public_client, GRAPH, scopes)
        self.token = self.caller.password(scope=" ".join(scopes)).json()["access_token"]

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send a request; a path without a version gets v1.0."""
        content = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}"} | (
            {} if body is None else {"Content-Type": "application/json"}
        )
        is_whole = path.startswith(("https://", "/v1.0/", "/beta/", "/oidc/"))
        return self.http.request(
            method, path if is_whole else f"/v1.0/{path}", content=content, headers=given | dict(headers or {})
        )

    def get(self, path: str, *, advanced: bool = False) -> httpx2.Response:
        """Return the JSON of a GET; an advanced query has the header."""
        return self.call("GET", path, headers=EVENTUAL if advanced else None)

    def value(self, path: str, *, advanced: bool = False) -> list[dict[str, Any]]:
        """Return the items of a page."""
        response = self.get(path, advanced=advanced)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["value"]
        return items

    def names(self, path: str, *, advanced: bool = False) -> list[str]:
        """Return the names on a page, in alphabetical order."""
        return sorted(one["displayName"] for one in self.value(path, advanced=advanced))

    def add_user(self, name: str, **more: object) -> dict[str, Any]:
        """Create a user, and return the answer."""
        body = {
            "accountEnabled": True,
            "displayName": name,
            "mailNickname": name,
            "userPrincipalName": f"{name}@{DOMAIN}",
            "passwordProfile": {"password": "Correct-Horse-9", "forceChangePasswordNextSignIn": False},
        } | more
        response = self.call("POST", "users", body)
        assert response.status_code == 201, response.text
        user: dict[str, Any] = response.json()
        return user

    def add_group(self, name: str, **more: object) -> dict[str, Any]:
        """Create a security group, and return the answer."""
        body = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True} | more
        response = self.call("POST", "groups", body)
        assert response.status_code == 201, response.text
        group: dict[str, Any] = response.json()
        return group

    @staticmethod
    def refused(response: httpx2.Response) -> tuple[int, str]:
        """Return status and code of an error."""
        return response.status_code, response.json()["error"]["code"]

    @staticmethod
    def text(response: httpx2.Response) -> str:
        """Return the message of an error."""
        text: str = response.json()["error"]["message"]
        return text

    def link(self, path: str, object_id: str, *, at: str = "directoryObjects") -> httpx2.Response:
        """Add a reference."""
        return self.call("POST", f"{path}/$ref", {"@odata.id": f"{GRAPH}/v1.0/{at}/{object_id}"})


@pytest.fixture
def graph(caller: Caller) -> Graph:
    """A client of Graph with all permissions."""
    return Graph(caller)
