"""Applications and service principals as far as sign-in needs them (service facts, 4.5, 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

NOBODY = "00000000-1111-4222-8333-444444444444"
SCOPE = "https://graph.microsoft.com/.default"


def register(graph: Graph, name: str = "Nightly", **more: object) -> dict[str, Any]:
    """Register an app."""
    response = graph.call("POST", "applications", {"displayName": name} | more)
    assert response.status_code == 201, response.text
    app: dict[str, Any] = response.json()
    return app


def sign_in(graph: Graph, app_id: str, secret: str) -> str:
    """Sign an app in with its secret, and return the AADSTS number of the error, or nothing."""
    body = graph.caller.app_token(client_id=app_id, client_secret=secret, scope=SCOPE).json()
    return str(body.get("error_codes", [""])[0])


def test_a_new_app(graph: Graph) -> None:
    """
    A new app is answered with 201 and the recorded members; id and appId differ (7.3).
    """
    response = graph.call("POST", "applications", {"displayName": "Nightly", "signInAudience": "AzureADMyOrg"})
    body = response.json()

    assert 201 == response.status_code
    assert body["@odata.context"].endswith("/v1.0/$metadata#applications/$entity")
    assert ["@odata.context", "id", "deletedDateTime", "appId"] == list(body)[:4]
    assert body["id"] != body["appId"]
    assert ([], [], "AzureADMyOrg") == (body["identifierUris"], body["passwordCredentials"], body["signInAudience"])
    assert {"redirectUris": []} == body["publicClient"]
    assert response.headers["location"].endswith(f"/{body['id']}/Microsoft.DirectoryServices.Application")


def test_an_app_needs_a_name(graph: Graph) -> None:
    """
    An app without a name is refused with 400 and the recorded message.
    """
    assert "A value is required for property 'displayName' of resource 'Application'." == graph.text(
        graph.call("POST", "applications", {})
    )


def test_an_app_is_found_by_its_id_and_its_alternate_key(graph: Graph) -> None:
    """
    The app id in place of the id gives a 404 (4.5).
    """
    app = register(graph)

    assert app["appId"] == graph.get(f"applications/{app['id']}").json()["appId"]
    assert app["id"] == graph.get(f"applications(appId='{app['appId']}')").json()["id"]
    assert 404 == graph.get(f"applications/{app['appId']}").status_code
    assert 404 == graph.get(f"applications(appId='{NOBODY}')").status_code
    assert [app["id"]] == [one["id"] for one in graph.value(f"applications?$filter=appId eq '{app['appId']}'")]


def test_a_secret_is_shown_once(graph: Graph) -> None:
    """
    A new secret comes with 200 and secretText, later with null and its first three characters as a hint (7.3).
    """
    app = register(graph)
    response = graph.call(
        "POST", f"applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "rbac"}}
    )
    made = response.json()
    (kept,) = graph.get(f"applications/{app['id']}").json()["passwordCredentials"]

    assert 200 == response.status_code
    assert made["@odata.context"].endswith("#microsoft.graph.passwordCredential")
    assert ("rbac", made["secretText"][:3]) == (made["displayName"], made["hint"])
    assert (made["keyId"], None, made["hint"]) == (kept["keyId"], kept["secretText"], kept["hint"])
    assert made["secretText"] not in graph.get("applications").text


def test_an_app_signs_in_with_its_secret_and_service_principal(graph: Graph) -> None:
    """
    An app can't sign in without a service principal, nor after its secret or the app itself is deleted.
    """
    app = register(graph, signInAudience="AzureADMyOrg")
    secret = graph.call("POST", f"applications/{app['id']}/addPassword", {}).json()
    assert sign_in(graph, app["appId"], secret["secretText"]) in ("7000229", "700016")

    principal = graph.call("POST", "servicePrincipals", {"appId": app["appId"]})
    assert 201 == principal.status_code
    assert "" == sign_in(graph, app["appId"], secret["secretText"])
    assert "7000215" == sign_in(graph, app["appId"], "wrong")

    path = f"servicePrincipals/{principal.json()['id']}"
    assert 204 == graph.call("PATCH", path, {"accountEnabled": False}).status_code
    assert "7000112" == sign_in(graph, app["appId"], secret["secretText"])
    graph.call("PATCH", path, {"accountEnabled": True})

    removed = graph.call("POST", f"applications/{app['id']}/removePassword", {"keyId": secret["keyId"]})
    assert 204 == removed.status_code
    assert sign_in(graph, app["appId"], secret["secretText"]) in ("7000215", "7000222", "7000218")
    again = graph.call("POST", f"applications/{app['id']}/removePassword", {"keyId": secret["keyId"]})
    assert again.status_code in (400, 404)


def test_a_deleted_app_signs_in_no_more(graph: Graph) -> None:
    """
    The registration of a deleted app can be restored; its service principal is not restored with it (4.2).
    """
    app = register(graph, signInAudience="AzureADMyOrg")
    secret = graph.call("POST", f"applications/{app['id']}/addPassword", {}).json()["secretText"]
    graph.call("POST", "servicePrincipals", {"appId": app["appId"]})
    assert "" == sign_in(graph, app["appId"], secret)

    assert 204 == graph.call("DELETE", f"applications/{app['id']}").status_code
    assert "700016" == sign_in(graph, app["appId"], secret)
    assert [app["id"]] == [one["id"] for one in graph.value("directory/deletedItems/microsoft.graph.application")]
    assert 200 == graph.call("POST", f"directory/deletedItems/{app['id']}/restore").status_code
    assert app["appId"] == graph.get(f"applications/{app['id']}").json()["appId"]


def test_a_service_principal(graph: Graph) -> None:
    """
    A service principal comes with 201 in the recorded form, is found by id and alternate key, and exists once per app
    (4.5, 7.3).
    """
    app = register(graph)
    body = graph.call("POST", "servicePrincipals", {"appId": app["appId"]}).json()

    assert body["@odata.context"].endswith("/v1.0/$metadata#servicePrincipals/$entity")
    assert (app["appId"], "Nightly", "Application", True) == tuple(
        body[name] for name in ("appId", "displayName", "servicePrincipalType", "accountEnabled")
    )
    assert app["appId"] in body["servicePrincipalNames"]
    assert graph.caller.tenant.tenant_id == body["appOwnerOrganizationId"]
    assert body["id"] == graph.get(f"servicePrincipals(appId='{app['appId']}')").json()["id"]
    assert graph.call("POST", "servicePrincipals", {"appId": app["appId"]}).status_code in (400, 409)
    assert 204 == graph.call("DELETE", f"servicePrincipals/{body['id']}").status_code
    assert 404 == graph.get(f"servicePrincipals/{body['id']}").status_code


@pytest.mark.parametrize("body", [{}, {"appId": 7}, {"appId": NOBODY}, {"appId": "x"}])
def test_a_service_principal_is_of_an_app(graph: Graph, body: dict[str, object]) -> None:
    """
    A service principal without an app is refused with 400 or 404.
    """
    assert graph.call("POST", "servicePrincipals", body).status_code in (400, 404)


def test_seeded_apps_are_there(graph: Graph) -> None:
    """
    Seeded apps that can sign in are also in the directory.
    """
    tenant = graph.caller.tenant
    for client_id in (tenant.public_client, tenant.confidential_client):
        assert client_id == graph.get(f"applications(appId='{client_id}')").json()["appId"]
        assert client_id == graph.get(f"servicePrincipals(appId='{client_id}')").json()["appId"]
    assert tenant.client_secret not in graph.get("applications?$top=999").text


def test_a_seeded_app_can_get_another_secret(graph: Graph) -> None:
    """
    The old secret stays valid.
    """
    tenant = graph.caller.tenant
    app = graph.get(f"applications(appId='{tenant.confidential_client}')").json()
    made = graph.call("POST", f"applications/{app['id']}/addPassword", {}).json()

    assert "" == sign_in(graph, tenant.confidential_client, made["secretText"])
    assert "" == sign_in(graph, tenant.confidential_client, tenant.client_secret)


def test_redirects_made_through_graph_work(graph: Graph) -> None:
    """
    A public client whose redirect was added through Graph can sign users in.
    """
    app = register(
        graph, signInAudience="AzureADMyOrg", isFallbackPublicClient=True,
        publicClient={"redirectUris": ["https://login.microsoftonline.com/common/oauth2/nativeclient"]},
    )  # fmt: skip
    graph.call("POST", "servicePrincipals", {"appId": app["appId"]})
    graph.caller.tenant.seed.grant("*", app["appId"], "https://graph.microsoft.com", ["User.Read"])

    answer = graph.caller.password(client_id=app["appId"], scope="User.Read").json()
    assert "access_token" in answer, answer


def test_owners_of_apps(graph: Graph) -> None:
    """
    Owners of apps are references, as for groups.
    """
    app, user = register(graph), graph.add_user("una")
    path = f"applications/{app['id']}/owners"

    assert [] == graph.value(path)
    assert 204 == graph.link(path, user["id"]).status_code
    assert 400 == graph.link(path, user["id"]).status_code
    assert [user["id"]] == [one["id"] for one in graph.value(path)]
    assert 204 == graph.call("DELETE", f"{path}/{user['id']}/$ref").status_code


def test_an_app_made_through_graph_has_its_redirects(graph: Graph) -> None:
    """
    The token service uses redirects of all platforms, the audience and the identifier URIs at once.
    """
    native = graph.caller.native
    app = register(graph, signInAudience="AzureADMyOrg", publicClient={"redirectUris": [native]})
    graph.call("POST", "servicePrincipals", {"appId": app["appId"]})
    graph.caller.tenant.seed.grant("*", app["appId"], "https://graph.microsoft.com", ["User.Read", "openid"])
    graph.caller.tenant.seed.grant("*", app["appId"], "https://graph.microsoft.com", ["profile", "offline_access"])

    assert "code" in graph.caller.answer(client_id=app["appId"], at=graph.caller.tenant.tenant_id)

    change = {"publicClient": {"redirectUris": []}, "web": {"redirectUris": ["https://web.example/in"]}}
    assert 204 == graph.call("PATCH", f"applications/{app['id']}", change).status_code
    web = graph.get(f"applications/{app['id']}").json()["web"]
    assert ["https://web.example/in"] == web["redirectUris"]
    page = graph.http.get(graph.caller.authorize_url(client_id=app["appId"], at=graph.caller.tenant.tenant_id))
    assert "50011" in page.text


def test_what_a_test_seeds_of_an_app_shows_in_graph(graph: Graph) -> None:
    """
    Graph shows seeded redirects, secrets by id and hint, and changed fields.
    """
    seed = graph.caller.tenant.seed
    app = seed.add_app("Seeded", redirect_uris=["https://web.example/in"], platform="web")
    path = f"applications(appId='{app.client_id}')"
    assert ["https://web.example/in"] == graph.get(path).json()["web"]["redirectUris"]

    secret = seed.add_secret(app.client_id, "emu8Q~another-secret")
    seed.change_app(app.client_id, {"name": "Renamed", "is_public": True})
    body = graph.get(path).json()

    assert [("emu", secret.key_id, None)] == [
        (one["hint"], one["keyId"], one["secretText"]) for one in body["passwordCredentials"]
    ]
    assert ("Renamed", True) == (body["displayName"], body["isFallbackPublicClient"])


def test_a_restored_service_principal_signs_in_again(graph: Graph) -> None:
    """
    A restored service principal signs in with the secrets of its app.
    """
    app = register(graph, signInAudience="AzureADMyOrg")
    secret = graph.call("POST", f"applications/{app['id']}/addPassword", {}).json()["secretText"]
    principal = graph.call("POST", "servicePrincipals", {"appId": app["appId"]}).json()
    graph.call("DELETE", f"servicePrincipals/{principal['id']}")
    assert "700016" == sign_in(graph, app["appId"], secret)

    assert 200 == graph.call("POST", f"directory/deletedItems/{principal['id']}/restore").status_code
    assert "" == sign_in(graph, app["appId"], secret)


def test_reading_does_not_change_anything(graph: Graph) -> None:
    """
    Data of an app that only the token service has does not change the directory.
    """
    graph.get("users")
    before = graph.caller.tenant._world.objects.sequence
    graph.may("User.Read.All")
    graph.get("users")

    assert before == graph.caller.tenant._world.objects.sequence


def test_apps_of_microsoft_have_no_registration_here(graph: Graph) -> None:
    """
    A tenant has a service principal of Graph itself, which can't be changed or deleted.
    """
    key = "(appId='00000003-0000-0000-c000-000000000000')"

    assert 404 == graph.get(f"applications{key}").status_code
    assert graph.caller.tenant.tenant_id != graph.get(f"servicePrincipals{key}").json()["appOwnerOrganizationId"]
    assert 403 == graph.call("PATCH", f"servicePrincipals{key}", {"accountEnabled": False}).status_code
    assert 403 == graph.call("DELETE", f"servicePrincipals{key}").status_code


def test_the_alternate_key_goes_before_relations_too(graph: Graph) -> None:
    """
    `/servicePrincipals(appId='…')/memberOf` works; other alternate keys and kinds are refused by name.
    """
    app, user = register(graph), graph.add_user("una")
    graph.call("POST", "servicePrincipals", {"appId": app["appId"]})
    path = f"(appId='{app['appId'].upper()}')"

    assert 204 == graph.link(f"applications{path}/owners", user["id"]).status_code
    assert [user["id"]] == [one["id"] for one in graph.value(f"applications{path}/owners")]
    assert [] == graph.value(f"servicePrincipals{path}/memberOf")
    assert 501 == graph.get(f"users{path}").status_code
    assert 501 == graph.get("applications(uniqueName='x')").status_code
