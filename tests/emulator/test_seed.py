"""Seeds."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller

    from entrakit_emulator.seed import Seed

GRAPH = "https://graph.microsoft.com"


def test_a_new_app_signs_in(caller: Caller) -> None:
    """
    A new app with a secret and roles gets a token with the roles.
    """
    seed = caller.tenant.seed
    app = seed.add_app("Reporter")
    seed.add_secret(app.client_id, "a-secret")
    seed.grant_roles(app.client_id, GRAPH, ["AuditLog.Read.All"])

    answer = caller.app_token(client_id=app.client_id, client_secret="a-secret").json()

    assert ["AuditLog.Read.All"] == caller.claims(answer["access_token"])["roles"]


def test_a_new_api_is_asked_for(caller: Caller) -> None:
    """
    An app with an identifier URI and permissions is a resource.
    """
    seed = caller.tenant.seed
    api = seed.add_app("Stock", identifier_uris=["api://stock"], permissions=["Stock.Read"], roles=["Stock.Count"])
    seed.grant("ada@contoso.example", caller.tenant.public_client, "api://stock", ["Stock.Read"])

    answer = caller.password(scope="api://stock/Stock.Read").json()

    assert (api.client_id, "Stock.Read") == tuple(
        caller.claims(answer["access_token"])[name] for name in ("aud", "scp")
    )


def test_a_grant_of_openid_scopes_doubles_nothing(caller: Caller) -> None:
    """
    Scopes of OpenID Connect are granted by requests: granting them leaves the answer as it is, in `scope` and in the
    token. Names are those of the API, in any case.
    """
    seed, client_id = caller.tenant.seed, caller.tenant.public_client
    before = caller.password().json()
    seed.grant(
        "ada@contoso.example",
        client_id,
        GRAPH,
        ["openid", "profile", "email", "offline_access", "USER.READ", "mail.read"],
    )

    after = caller.password().json()

    assert {"Mail.Read"} == {*after["scope"].split()} - {*before["scope"].split()}
    for names in (after["scope"].split(), caller.claims(after["access_token"])["scp"].split()):
        assert len(set(names)) == len(names)
        assert "offline_access" not in names


def test_a_grant_of_openid_scopes_only_is_a_consent(caller: Caller) -> None:
    """
    A user who granted only the scopes of OpenID Connect can sign in with them.
    """
    caller.tenant.seed.grant("cora@contoso.example", caller.tenant.public_client, GRAPH, ["openid", "profile"])

    assert "id_token" in caller.password("consent", scope="openid profile").json()


def test_a_new_redirect_is_taken(caller: Caller) -> None:
    """
    A redirect URI is accepted after registration; the only one of an app is the default.
    """
    seed = caller.tenant.seed
    app = seed.add_app("Site", is_public=True)
    none = caller.http.get(caller.authorize_url(client_id=app.client_id, redirect_uri=""))
    seed.add_redirect(app.client_id, "https://site.example/back")
    one = caller.http.get(caller.authorize_url(client_id=app.client_id, redirect_uri=""))

    assert "AADSTS500113" in none.text
    assert 200 == one.status_code


def test_another_tenant_has_people_and_apps_of_its_own(caller: Caller) -> None:
    """
    A second tenant signs its own users in; a multi-tenant app works in both.
    """
    seed = caller.tenant.seed
    other = seed.add_tenant("fabrikam.example", name="Fabrikam", tenant_id=str(uuid.uuid4()).upper())
    user = seed.add_user("fay@fabrikam.example", "Password-1", tenant_id=other.tenant_id)
    seed.grant("fay@fabrikam.example", caller.tenant.public_client, GRAPH, ["User.Read"])

    answer = caller.password(at="organizations", username=user.upn, password="Password-1").json()

    claims = caller.claims(answer["access_token"])
    assert (other.tenant_id, f"https://sts.windows.net/{other.tenant_id}/") == (claims["tid"], claims["iss"])


def test_an_app_of_another_tenant_is_known_where_it_is_for_many(caller: Caller) -> None:
    """
    A single-tenant app of another tenant is unknown (AADSTS700016).
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")

    response = caller.token(
        "client_credentials",
        at=other.tenant_id,
        client_id=caller.tenant.confidential_client,
        client_secret=caller.tenant.client_secret,
        scope=f"{GRAPH}/.default",
    )

    assert [700016] == response.json()["error_codes"]


def test_apps_are_changed(caller: Caller) -> None:
    """
    Fields of an app can be changed, here to disable it.
    """
    caller.tenant.seed.change_app(caller.tenant.public_client, {"is_enabled": False})

    assert [7000112] == caller.password().json()["error_codes"]


def test_secrets_expire(caller: Caller) -> None:
    """
    A secret expires at its time, by the tenant's clock.
    """
    client_id = caller.tenant.confidential_client
    caller.tenant.seed.add_secret(client_id, "short-lived", expires_at=caller.tenant.clock.now() + 60)

    good = caller.app_token(client_secret="short-lived").status_code
    caller.tenant.clock.advance(61)

    assert 200 == good
    assert [7000222] == caller.app_token(client_secret="short-lived").json()["error_codes"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda seed: seed.add_tenant("x.example", cloud="moon"), "Unknown cloud 'moon'"),
        (lambda seed: seed.add_user("ADA@contoso.example", "x"), "already"),
        (lambda seed: seed.add_user("x@y.example", "x", tenant_id="y"), "Unknown tenant 'y'"),
        (lambda seed: seed.add_user("x@y.example", "x", object_id="y"), "badly formed"),
        (lambda seed: seed.change_user("x@y.example", {}), "Unknown user"),
        (lambda seed: seed.change_user("ada@contoso.example", {"shoe_size": 38}), "no field 'shoe_size'"),
        (lambda seed: seed.change_user("ada@contoso.example", {"is_locked": "yes"}), "does not accept 'yes'"),
        (lambda seed: seed.change_app("x", {}), "Unknown app 'x'"),
        (lambda seed: seed.change_app("5df655db-fb5e-4dcd-a225-31028301360e", {"secrets": []}), "no field 'secrets'"),
        (lambda seed: seed.change_settings({"loop_limit": "2"}), "does not accept '2'"),
        (lambda seed: seed.add_redirect("5df655db-fb5e-4dcd-a225-31028301360e", "x", platform="toaster"), "platform"),
        (lambda seed: seed.grant("*", "5df655db-fb5e-4dcd-a225-31028301360e", "api://x", []), "Unknown API"),
        (lambda seed: seed.add_certificate("52aaa676-1504-4f30-84d9-d906f960bdc4", "x"), "."),
    ],
)
def test_seeds_that_do_not_fit_are_refused(caller: Caller, act: Callable[[Seed], object], message: str) -> None:
    """
    A misspelt name or a value of the wrong type is an error at once.
    """
    with pytest.raises(ValueError, match=message):
        act(caller.tenant.seed)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({}, "list of steps"),
        ([1], "object with `do`"),
        ([{"do": "explode"}], "Unknown step 'explode'"),
        ([{"do": "__init__"}], "Unknown step '__init__'"),
        ([{"do": "add_user"}], "missing a required argument"),
        ([{"do": "add_user", "upn": "x", "password": "y", "age": 3}], "unexpected keyword"),
        ([{"do": "add_user", "upn": "x", "password": 3}], "'password' does not accept 3"),
        ([{"do": "grant", "upn": "*", "client_id": "x", "resource": "y", "permissions": "z"}], "does not accept 'z'"),
    ],
)
def test_steps_of_the_control_plane_are_checked(caller: Caller, steps: object, message: str) -> None:
    """
    Only the known steps are accepted, with their own arguments and types.
    """
    with pytest.raises(ValueError, match=message):
        caller.tenant.seed.apply(steps)


def test_every_step_can_be_taken(caller: Caller) -> None:
    """
    The control plane supports every step.
    """
    app = "5df655db-fb5e-4dcd-a225-31028301360e"
    caller.tenant.seed.apply(
        [
            {"do": "add_tenant", "domain": "fabrikam.example", "cloud": "china", "federated": ["f.example"]},
            {"do": "add_user", "upn": "una@contoso.example", "password": "x", "mail": "una@contoso.example"},
            {"do": "change_user", "upn": "una@contoso.example", "changes": {"is_locked": True}},
            {"do": "add_app", "name": "App", "redirect_uris": ["https://a.example/"], "platform": "web"},
            {"do": "change_app", "client_id": app, "changes": {"name": "Other"}},
            {"do": "add_secret", "client_id": app, "value": "x", "expires_at": 1},
            {"do": "add_certificate", "client_id": app, "certificate": caller.tenant.certificate_pem},
            {"do": "add_redirect", "client_id": app, "uri": "my.app://auth"},
            {"do": "grant", "upn": "*", "client_id": app, "resource": GRAPH, "permissions": ["Mail.Read"]},
            {"do": "withdraw", "upn": "una@contoso.example", "client_id": app},
            {"do": "grant_roles", "client_id": app, "resource": GRAPH, "roles": ["User.Read.All"]},
            {"do": "revoke_sessions", "upn": "una@contoso.example"},
            {"do": "change_settings", "changes": {"device_interval_s": 1}},
            {"do": "rotate_keys"},
        ]
    )

    assert [50053] == caller.password(username="una@contoso.example", password="x").json()["error_codes"]
    assert 1 == caller.device()["interval"]
