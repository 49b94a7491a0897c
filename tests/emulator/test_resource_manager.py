"""Azure Resource Manager, as far as Azure CLI reads it to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import contoso, faults

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

MANAGEMENT = "https://management.azure.com/"


def ask(caller: Caller, path: str, *, scope: str = f"{MANAGEMENT}/.default", method: str = "GET") -> httpx2.Response:
    """Send a request with a token of the confidential app, or without one."""
    token = caller.app_token(scope=scope).json()["access_token"] if scope else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return caller.http.request(method, path, headers=headers)


def test_a_caller_sees_its_tenant(caller: Caller) -> None:
    """
    `/tenants` lists the tenant of the token.
    """
    (row,) = ask(caller, "/tenants?api-version=2022-12-01").json()["value"]

    assert (contoso.TENANT_ID, contoso.DOMAIN, f"/tenants/{contoso.TENANT_ID}") == (
        row["tenantId"], row["defaultDomain"], row["id"]
    )  # fmt: skip


def test_a_caller_sees_the_subscription(caller: Caller) -> None:
    """
    `/subscriptions` lists the seeded subscription, which is enabled.
    """
    (row,) = ask(caller, "/subscriptions?api-version=2022-12-01").json()["value"]

    assert (contoso.SUBSCRIPTION, "Enabled", contoso.TENANT_ID) == (
        row["subscriptionId"], row["state"], row["tenantId"]
    )  # fmt: skip


def test_the_cloud_is_described(caller: Caller) -> None:
    """
    `/metadata/endpoints` needs no token; it is one cloud, or a list of clouds in the api-versions of 2019 to 2022.
    """
    (cloud,) = caller.http.get("/metadata/endpoints?api-version=2019-05-01").json()

    assert caller.tenant.url == cloud["authentication"]["loginEndpoint"] == cloud["resourceManager"]
    assert cloud == caller.http.get("/metadata/endpoints?api-version=2022-09-01").json()


@pytest.mark.parametrize(
    ("path", "scope", "method", "status", "code"),
    [
        ("/tenants?api-version=2022-12-01", "", "GET", 401, "AuthenticationFailed"),
        (
            "/tenants?api-version=2022-12-01", "https://graph.microsoft.com/.default", "GET", 401,
            "InvalidAuthenticationTokenAudience",
        ),
        ("/tenants", f"{MANAGEMENT}/.default", "GET", 400, "MissingApiVersionParameter"),
        ("/subscriptions?api-version=2022-12-01", f"{MANAGEMENT}/.default", "POST", 405, "MethodNotAllowed"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(caller: Caller, path: str, scope: str, method: str, status: int, code: str) -> None:
    """
    A token for this API, an api-version and the method GET are required.
    """
    response = ask(caller, path, scope=scope, method=method)

    assert (status, code) == (response.status_code, response.json()["error"]["code"])
    assert (401 == status) == ("www-authenticate" in response.headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/subscriptions/103ca2f9-34fe-49e0-966a-c17ec9a73100"), ("PUT", "/Subscriptions/a/resourceGroups/b"),
        ("GET", "/providers"), ("GET", "/providers/Microsoft.Management/managementGroups"), ("GET", "/tenants/a"),
    ],
)  # fmt: skip
def test_the_rest_is_refused_by_name(caller: Caller, method: str, path: str) -> None:
    """
    Unsupported requests get 501 with their name, in the form of this API.
    """
    response = ask(caller, f"{path}?api-version=2022-12-01", scope=f"{MANAGEMENT}/.default", method=method)
    error = response.json()["error"]

    assert (501, "NotImplemented") == (response.status_code, error["code"])
    assert error["message"].startswith(f"The emulator does not implement Azure Resource Manager's {method} {path}.")


def test_an_expired_token_is_refused(caller: Caller) -> None:
    """
    A token that has expired by the tenant's clock gets another code than a forged token.
    """
    token = caller.app_token(scope=f"{MANAGEMENT}/.default").json()["access_token"]
    caller.tenant.clock.advance(7200)
    answers = [
        caller.http.get("/tenants?api-version=2022-12-01", headers={"Authorization": f"Bearer {one}"}).json()
        for one in (token, f"{token[:-9]}forged123")
    ]

    assert ["ExpiredAuthenticationToken", "InvalidAuthenticationToken"] == [one["error"]["code"] for one in answers]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (faults.Throttle(endpoint="resource_manager"), 429, "TooManyRequests"),
        (faults.Failure(endpoint="resource_manager"), 503, "ServiceUnavailable"),
    ],
)
def test_faults_have_its_form(caller: Caller, fault: faults.AnyFault, status: int, code: str) -> None:
    """
    Requested failures have the form of its errors.
    """
    caller.tenant.faults.add(fault)

    response = ask(caller, "/tenants?api-version=2022-12-01")

    assert (status, code) == (response.status_code, response.json()["error"]["code"])
