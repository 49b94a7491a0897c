"""App Service, Container Apps and Azure Machine Learning."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program

UNKNOWN = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
HOSTS = ["app_service", "container_apps"]


@pytest.mark.parametrize("kind", HOSTS)
def test_the_answer_has_a_time_of_expiry_only(caller: Caller, on: Callable[..., Program], kind: str) -> None:
    """
    `expires_on` is a string, and there is no `expires_in`.
    """
    body = on(kind).answered()

    assert {"access_token", "expires_on", "resource", "token_type", "client_id"} == set(body)
    assert caller.tenant.clock.now() < int(body["expires_on"])
    assert isinstance(body["expires_on"], str)
    assert 200 == caller.graph(body["access_token"], "/v1.0/users").status_code


@pytest.mark.parametrize("name", ["client_id", "object_id", "principal_id", "mi_res_id"])
def test_an_id_selects_a_user_assigned_identity(caller: Caller, on: Callable[..., Program], name: str) -> None:
    """
    An identity is selected by one of its ids; the object id has two names.
    """
    (user,) = caller.tenant.identity.users
    value = {"client_id": user.client_id, "mi_res_id": user.resource_id}.get(name, user.object_id)

    assert user.client_id == on("app_service").answered(**{name: value})["client_id"]


def test_the_name_of_imds_is_ignored(caller: Caller, on: Callable[..., Program]) -> None:
    """
    `msi_res_id` is a parameter of IMDS. App Service ignores it and returns a token of another identity.
    """
    (user,) = caller.tenant.identity.users

    body = on("app_service").answered(msi_res_id=user.resource_id)

    assert caller.tenant.system_identity == body["client_id"]


@pytest.mark.parametrize("kind", [*HOSTS, "azure_ml"])
def test_an_unknown_id_is_refused(on: Callable[..., Program], kind: str) -> None:
    """
    The error has the form of App Service.
    """
    name = "clientid" if kind == "azure_ml" else "client_id"

    response = on(kind).ask(**{name: "11111111-2222-3333-4444-555555555555"})

    assert (400, 400, UNKNOWN) == (
        response.status_code, response.json()["statusCode"], response.json()["message"]
    )  # fmt: skip


@pytest.mark.parametrize("kind", [*HOSTS, "azure_ml"])
@pytest.mark.parametrize("headers", [{}, {"X-IDENTITY-HEADER": "wrong", "secret": "wrong"}, {"Metadata": "true"}])
def test_the_secret_is_required(on: Callable[..., Program], kind: str, headers: dict[str, str]) -> None:
    """
    A request without the secret of the variables, such as one of a web page, gets 401.
    """
    assert 401 == on(kind).ask("", headers).status_code


@pytest.mark.parametrize(
    ("kind", "method", "changes", "status"),
    [
        ("app_service", "POST", {}, 405),
        ("app_service", "GET", {"resource": ""}, 400),
        ("app_service", "GET", {"api_version": ""}, 400),
        ("container_apps", "GET", {"api_version": "2017-09-01"}, 400),
        ("azure_ml", "GET", {"api_version": "2019-08-01"}, 400),
        ("app_service", "GET", {"resource": "https://nothing.example"}, 500),
    ],
)
def test_a_wrong_request_is_refused(
    on: Callable[..., Program], kind: str, method: str, changes: dict[str, str], status: int
) -> None:
    """
    Method, resource and api-version are checked. An unknown resource is an unexpected error, as in the real service.
    """
    response = on(kind).ask(method, **changes)

    assert (status, status) == (response.status_code, response.json()["statusCode"])


def test_without_an_identity_nothing_is_loaded(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A request without an id needs a system-assigned identity, even if there is a user-assigned one.
    """
    caller.tenant.seed.remove_identity(caller.tenant.system_identity)

    assert "Unable to load the proper Managed Identity." == on("app_service").ask().json()["message"]


def test_the_older_version_sends_a_date(caller: Caller, on: Callable[..., Program]) -> None:
    """
    App Service answers the api-version 2017-09-01, with the header `secret`, a date as `expires_on` and `clientid`.
    """
    program = on("app_service")
    assert program.variables["MSI_ENDPOINT"] == program.url
    headers = {"secret": program.variables["MSI_SECRET"]}

    body = program.ask("", headers, api_version="2017-09-01", clientid=caller.tenant.user_identity).json()

    at = datetime.datetime.strptime(body["expires_on"], "%m/%d/%Y %H:%M:%S %z").timestamp()
    assert caller.tenant.clock.now() < at
    assert caller.tenant.user_identity == body["client_id"]


def test_azure_ml_sends_a_time_or_a_date(on: Callable[..., Program]) -> None:
    """
    Azure Machine Learning sends a Unix time, or a date if requested.
    """
    assert on("azure_ml").answered()["expires_on"].isdigit()
    assert on("azure_ml", is_dated=True).answered()["expires_on"].endswith(" +00:00")


def test_a_refused_token_is_replaced(on: Callable[..., Program]) -> None:
    """
    Since api-version 2025-03-30, the host replaces the token whose hash is given, and no other one.
    """
    program = on("app_service")
    first = program.answered()["access_token"]
    digest = hashlib.sha256(first.encode()).hexdigest()

    kept = program.answered(token_sha256_to_refresh=digest)["access_token"]
    other = program.answered(api_version="2025-03-30", token_sha256_to_refresh="0" * 64)["access_token"]
    replaced = program.answered(api_version="2025-03-30", token_sha256_to_refresh=digest)["access_token"]

    assert first == kept == other
    assert first != replaced


def test_faults_have_the_form_of_the_host(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A requested failure has the status in its body.
    """
    caller.tenant.faults.add(faults.Failure(endpoint="app_service", status=503))

    assert 503 == on("app_service").ask().json()["statusCode"]
