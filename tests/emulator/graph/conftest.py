"""Graph as an app with all permissions sees it, or a user with few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

    from entrakit_emulator import Tenant

ALL = ["User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All", "Organization.Read.All"]
GRAPH = "https://graph.microsoft.com"
EVENTUAL = {"ConsistencyLevel": "eventual"}
USER = {
    "accountEnabled": True, "displayName": "Uma", "mailNickname": "uma", "userPrincipalName": "uma@contoso.example",
    "passwordProfile": {"password": "Fresh-Pass-1"},
}  # fmt: skip


class Graph:
    """A client of Graph.

    Args:
        caller: Client of the tenant.
        token: Access token.
    """

    def __init__(self, caller: Caller, token: str) -> None:
        self.caller = caller
        self.tenant: Tenant = caller.tenant
        self.root = f"{caller.tenant.url}/v1.0"
        self._http = caller.http
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Send a request; `_` in a header's name stands for a hyphen."""
        fields = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith("https://") else f"{self.root}{path}"
        return self._http.request(method, address, json=body, headers=fields)

    def get(self, path: str, **headers: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a successful GET."""
        response = self.ask("GET", path, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    def refusal(self, path: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, str, str]:
        """Return status, code and message of an error."""
        response = self.ask(method, path, body, **headers)
        error = response.json()["error"]
        return response.status_code, error["code"], error["message"]

    def make_user(self, name: str, **more: object) -> Any:  # noqa: ANN401 - JSON
        """Create a user."""
        body = {
            "accountEnabled": True, "displayName": name, "mailNickname": name.lower(),
            "userPrincipalName": f"{name.lower()}@contoso.example",
            "passwordProfile": {"password": "Fresh-Pass-1", "forceChangePasswordNextSignIn": False}, **more,
        }  # fmt: skip
        response = self.ask("POST", "/users", body)
        assert response.status_code == 201, response.text
        return response.json()

    def make_group(self, name: str, **more: object) -> Any:  # noqa: ANN401 - JSON
        """Create a group."""
        body = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True, **more}
        response = self.ask("POST", "/groups", body)
        assert response.status_code == 201, response.text
        return response.json()

    def add(self, group: str, member: str, relation: str = "members") -> httpx2.Response:
        """Add a member or an owner to a group."""
        return self.ask(
            "POST", f"/groups/{group}/{relation}/$ref", {"@odata.id": f"{self.root}/directoryObjects/{member}"}
        )

    def ids(self, path: str, **headers: str) -> list[str]:
        """Return the ids of all pages of a collection."""
        found: list[str] = []
        link = path
        while link:
            page = self.get(link, **headers)
            found += [one["id"] for one in page["value"]]
            link = page.get("@odata.nextLink", "")
        return found


@pytest.fixture
def graph(caller: Caller) -> Graph:
    """Graph as an app with all permissions sees it."""
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, GRAPH, ALL)
    return Graph(caller, caller.app_token().json()["access_token"])


@pytest.fixture
def person(caller: Caller) -> Graph:
    """Graph as a user with User.Read sees it."""
    return Graph(caller, caller.password().json()["access_token"])


@pytest.fixture
def people(graph: Graph) -> Graph:
    """Graph with a few different users."""
    graph.make_user("Zoe", city="Aarhus", jobTitle="Engineer", companyName="Contoso", mail="zoe@contoso.example")
    graph.make_user("Yan", city="Aarhus", jobTitle="Chef's aide", otherMails=["yan@home.example"])
    graph.make_user("Xia", accountEnabled=False, city="Berlin")
    return graph
