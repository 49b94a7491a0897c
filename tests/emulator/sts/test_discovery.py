"""Metadata of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

TENANT = "32ad8c5a-6125-471f-9ee1-afce592af5d9"


USGOV = "9546cb78-3fe3-49d5-8f17-5d5fdea1a175"


INSTANCE = "/common/discovery/instance"


@pytest.mark.parametrize("name", [TENANT, TENANT.upper(), "contoso.example", "Contoso.onmicrosoft.com"])
def test_a_tenant_has_one_document_under_all_its_names(caller: Caller, name: str) -> None:
    """
    Endpoints contain the GUID, whichever name was requested (service facts, 1.1).
    """
    response = caller.http.get(f"/{name}/v2.0/.well-known/openid-configuration")
    document = response.json()
    base = f"{caller.tenant.url}/{TENANT}"

    assert f"{base}/v2.0" == document["issuer"]
    assert (f"{base}/oauth2/v2.0/token", f"{base}/oauth2/v2.0/authorize", f"{base}/oauth2/v2.0/devicecode") == (
        document["token_endpoint"], document["authorization_endpoint"], document["device_authorization_endpoint"],
    )  # fmt: skip
    assert ("EU", "microsoftonline.com") == (document["tenant_region_scope"], document["cloud_instance_name"])
    assert "max-age=86400, private" == response.headers["cache-control"]
    assert "*" == response.headers["access-control-allow-origin"]


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_addresses_for_any_tenant_leave_the_issuer_open(caller: Caller, name: str) -> None:
    """
    The issuer has a literal `{tenantid}`, the region is null, and endpoints keep the name (service facts, 1.1).
    """
    document = caller.http.get(f"/{name}/v2.0/.well-known/openid-configuration").json()

    assert f"{caller.tenant.url}/{{tenantid}}/v2.0" == document["issuer"]
    assert document["tenant_region_scope"] is None
    assert f"{caller.tenant.url}/{name}/oauth2/v2.0/token" == document["token_endpoint"]


@pytest.mark.parametrize("name", [TENANT, "contoso.example", "common", "organizations"])
def test_the_older_keys_exist_for_every_tenant(caller: Caller, name: str) -> None:
    """
    `/{tenant}/discovery/keys` has the keys of `common`, without an issuer (service facts, 1.1).
    """
    common = caller.http.get("/common/discovery/keys").json()["keys"]

    assert common == caller.http.get(f"/{name}/discovery/keys").json()["keys"]
    assert not any("issuer" in key for key in common)


def test_the_older_keys_of_an_unknown_tenant_do_not_exist(caller: Caller) -> None:
    """
    An unknown tenant is refused as in discovery (AADSTS90002).
    """
    response = caller.http.get("/nowhere.example/discovery/keys")

    assert ("invalid_tenant", [90002]) == (response.json()["error"], response.json()["error_codes"])


@pytest.mark.parametrize(("name", "issuer"), [(TENANT, TENANT), ("common", "{tenantid}")])
def test_the_older_document_has_another_issuer(caller: Caller, name: str, issuer: str) -> None:
    """
    v1 has an issuer at sts.windows.net with a final slash, and keys at `common` (service facts, 1.1).
    """
    document = caller.http.get(f"/{name}/.well-known/openid-configuration").json()

    assert f"https://sts.windows.net/{issuer}/" == document["issuer"]
    assert f"{caller.tenant.url}/common/discovery/keys" == document["jwks_uri"]


def test_a_tenant_of_another_cloud_is_named_with_its_hosts(caller: Caller) -> None:
    """
    The document of a national cloud's tenant names that cloud's hosts, which tells a client the cloud.
    """
    document = caller.http.get(f"/{USGOV}/v2.0/.well-known/openid-configuration").json()

    assert "USGov" == document["tenant_region_scope"]
    assert f"https://login.microsoftonline.us/{USGOV}/oauth2/v2.0/token" == document["token_endpoint"]
    assert "graph.microsoft.us" == document["msgraph_host"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("99999999-9999-4999-8999-999999999999", 90002), ("nowhere.example", 90002), ("no_domain", 900023)],
)
def test_there_is_no_document_for_a_tenant_that_there_is_not(caller: Caller, name: str, code: int) -> None:
    """
    An unknown tenant gets 400 and `invalid_tenant` (service facts, 1.1).
    """
    response = caller.http.get(f"/{name}/v2.0/.well-known/openid-configuration")

    assert (400, "invalid_tenant", [code]) == (
        response.status_code, response.json()["error"], response.json()["error_codes"],
    )  # fmt: skip


def test_several_keys_are_published(caller: Caller) -> None:
    """
    Several keys are published, with `x5t` equal to `kid` and the certificate of each key (service facts, 1.1).
    """
    keys = caller.http.get(f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
    old = caller.http.get("/common/discovery/keys").json()["keys"]

    assert len(keys) > 1
    for key in keys:
        assert ("RSA", "sig", "AQAB", key["kid"]) == (key["kty"], key["use"], key["e"], key["x5t"])
        assert f"{caller.tenant.url}/{TENANT}/v2.0" == key["issuer"]
        x509.load_pem_x509_certificate(
            f"-----BEGIN CERTIFICATE-----\n{key['x5c'][0]}\n-----END CERTIFICATE-----".encode()
        )
    assert [{name: key[name] for name in key if name != "issuer"} for key in keys] == old


def test_keys_of_any_tenant_leave_the_issuer_open(caller: Caller) -> None:
    """
    `common` publishes the same keys, with a literal `{tenantid}`.
    """
    keys = caller.http.get("/common/discovery/v2.0/keys").json()["keys"]

    assert {f"{caller.tenant.url}/{{tenantid}}/v2.0"} == {key["issuer"] for key in keys}


@pytest.mark.parametrize("host", ["login.microsoftonline.com", "login.windows.net", "login.microsoftonline.us"])
def test_known_instances_are_named(caller: Caller, host: str) -> None:
    """
    The answer has the discovery address of the host, and the hosts that are aliases (service facts, 1.2).
    """
    endpoint = f"https://{host}/contoso.example/oauth2/v2.0/authorize"
    answer = caller.http.get(INSTANCE, params={"api-version": "1.1", "authorization_endpoint": endpoint}).json()

    assert (
        f"https://{host}/contoso.example/v2.0/.well-known/openid-configuration" == answer["tenant_discovery_endpoint"]
    )
    assert "1.1" == answer["api-version"]
    assert any(host in one["aliases"] for one in answer["metadata"])


def test_the_own_host_is_a_known_instance(caller: Caller) -> None:
    """
    The emulator's own host is known and has no aliases.
    """
    endpoint = f"{caller.tenant.url}/{TENANT}/oauth2/v2.0/authorize"
    own = caller.tenant.url.removeprefix("https://")

    answer = caller.http.get(INSTANCE, params={"api-version": "1.1", "authorization_endpoint": endpoint}).json()

    assert {"preferred_network": own, "preferred_cache": own, "aliases": [own]} == answer["metadata"][-1]


@pytest.mark.parametrize(
    ("parameters", "error", "code"),
    [
        ({"api-version": "1.1", "authorization_endpoint": "https://evil.example/x"}, "invalid_instance", 50049),
        ({"api-version": "1.1"}, "invalid_request", 900144),
        ({"authorization_endpoint": "https://login.windows.net/x"}, "invalid_request", 900144),
        ({"api-version": "1.1", "authorization_endpoint": "https://[x"}, "invalid_request", 9002313),
    ],
)
def test_unknown_instances_are_refused(caller: Caller, parameters: dict[str, str], error: str, code: int) -> None:
    """
    Another host gives `invalid_instance` (AADSTS50049).
    """
    response = caller.http.get(INSTANCE, params=parameters)

    assert (400, error, [code]) == (response.status_code, response.json()["error"], response.json()["error_codes"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ada@contoso.example", "Managed"),
        ("nobody@CONTOSO.example", "Managed"),
        ("ann@federated.example", "Federated"),
        ("ann@nowhere.example", "Unknown"),
        ("ann", "Unknown"),
        ("ann_fabrikam.com%23EXT%23@contoso.example", "Managed"),
    ],
)
def test_the_realm_of_a_name_is_that_of_its_domain(caller: Caller, name: str, kind: str) -> None:
    """
    The domain alone decides: managed, federated or unknown (service facts, 1.10).
    """
    realm = caller.http.get(f"/common/userrealm/{name}", params={"api-version": "1.0"}).json()

    assert kind == realm["account_type"]
    assert (kind == "Federated") == ("federation_protocol" in realm)


def test_other_versions_of_the_realm_are_refused_by_name(caller: Caller) -> None:
    """
    Only version 1.0 is supported.
    """
    assert 501 == caller.http.get("/common/userrealm/a@b.example", params={"api-version": "2.1"}).status_code
