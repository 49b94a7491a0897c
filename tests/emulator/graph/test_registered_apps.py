"""The app that a registration and a service principal share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_registration_takes_its_service_principal_along(graph: Graph) -> None:
    """
    Deleting a registration deletes its service principal; restoring it does not restore the service principal.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    principal = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]}).json()["id"]
    graph.ask("DELETE", f"/applications/{app['id']}")
    gone = graph.refusal(f"/servicePrincipals/{principal}")[0]
    restored = graph.ask("POST", f"/directory/deletedItems/{app['id']}/restore").status_code

    assert (404, 200) == (gone, restored)
    assert "Robot" == graph.get(f"/applications(appId='{app['appId']}')")["displayName"]
    assert 404 == graph.refusal(f"/servicePrincipals/{principal}")[0]


def test_a_secret_that_does_not_exist_can_not_be_removed(graph: Graph) -> None:
    """
    An unknown key id is refused.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()["id"]

    assert 400 == graph.refusal(f"/applications/{app}/removePassword", "POST", {"keyId": "x"})[0]
