"""Service principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_service_principal_has_all_its_parts(graph: Graph) -> None:
    """
    A new service principal and a seeded one have the parts of the recorded answer.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    made = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]}).json()
    seeded = graph.get("/servicePrincipals?$top=1")["value"][0]

    for one in (made, seeded):
        assert {"displayName", "verifiedPublisherId", "addedDateTime"} == set(one["verifiedPublisher"])
        assert 5 == len(one["info"])


def test_a_service_principal_belongs_to_an_app(graph: Graph) -> None:
    """
    It takes the client id of an app once, and its client id is an alternate key.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    made = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]}).json()
    unknown = graph.refusal("/servicePrincipals", "POST", {"appId": "00000000-0000-4000-8000-000000000000"})

    assert made["id"] == graph.get(f"/servicePrincipals(appId='{app['appId']}')")["id"]
    assert (400, "Request_BadRequest") == unknown[:2]
    assert 409 == graph.refusal("/servicePrincipals", "POST", {"appId": app["appId"]})[0]
    assert 400 == graph.refusal(f"/servicePrincipals/{made['id']}", "PATCH", {"appId": app["appId"]})[0]
