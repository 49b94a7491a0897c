"""App registrations and service principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller
    from tests.emulator.graph.conftest import Graph


def test_an_app_that_is_made_can_sign_in(graph: Graph, caller: Caller) -> None:
    """
    An app with a secret can sign in once it has a service principal, and no more after its deletion.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    secret = graph.ask(
        "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "ci"}}
    ).json()

    def sign_in() -> int:
        return caller.app_token(client_id=app["appId"], client_secret=secret["secretText"]).status_code

    without = sign_in()
    principal = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]})
    twice = graph.refusal("/servicePrincipals", "POST", {"appId": app["appId"]})
    with_it = sign_in()
    read = graph.get(f"/applications(appId='{app['appId']}')")["passwordCredentials"][0]
    graph.ask("POST", f"/applications/{app['id']}/removePassword", {"keyId": secret["keyId"]})
    removed = sign_in()

    assert (400, 201, 200, 401) == (without, principal.status_code, with_it, removed)
    assert (409, "Request_MultipleObjectsWithSameKeyValue") == twice[:2]
    assert (None, secret["secretText"][:3]) == (read["secretText"], read["hint"])


def test_a_new_app_has_all_its_parts(graph: Graph) -> None:
    """
    A new registration and a seeded one have the parts of the recorded answer; a change keeps the rest of a part.
    """
    web = {"homePageUrl": "https://r.example", "implicitGrantSettings": {"enableIdTokenIssuance": False}}
    made = graph.ask("POST", "/applications", {"displayName": "Robot", "web": web})
    app = made.json()
    graph.ask("PATCH", f"/applications/{app['id']}", {"web": {"redirectUris": ["https://r.example/back"]}})
    changed = graph.get(f"/applications/{app['id']}")
    seeded = graph.get("/applications?$top=1")["value"][0]

    for one in (app, seeded):
        assert [] == one["api"]["knownClientApplications"] == one["requiredResourceAccess"]
        assert {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False} == one["web"][
            "implicitGrantSettings"
        ]
        assert {"displayName", "verifiedPublisherId", "addedDateTime"} == set(one["verifiedPublisher"])
        assert 5 == len(one["info"])
        assert "Allow" == one["parentalControlSettings"]["legalAgeGroupRule"]
    assert graph.tenant.domain == app["publisherDomain"]
    assert ("https://r.example", ["https://r.example/back"]) == (
        changed["web"]["homePageUrl"], changed["web"]["redirectUris"],
    )  # fmt: skip
