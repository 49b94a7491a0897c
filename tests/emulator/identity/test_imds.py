"""The Instance Metadata Service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.emulator.identity.conftest import GRAPH

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program

METADATA = {"Metadata": "true"}
FIELDS = {
    "access_token", "client_id", "expires_in", "expires_on", "ext_expires_in", "not_before", "resource", "token_type",
}  # fmt: skip


def test_all_values_are_strings(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The answer has the fields of the real service, all as strings, and a token of the system-assigned identity.
    """
    body = on("imds").answered()
    now = caller.tenant.clock.now()

    assert FIELDS == set(body)
    assert all(isinstance(value, str) for value in body.values())
    assert (GRAPH, "Bearer", caller.tenant.system_identity) == (body["resource"], body["token_type"], body["client_id"])
    assert int(body["expires_on"]) == pytest.approx(now + int(body["expires_in"]), abs=2)
    assert 20 * 3600 <= int(body["expires_in"]) < 28 * 3600


def test_the_token_is_accepted(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The token is one of a service principal, with its app roles, and names the Azure resource.
    """
    token = on("imds").answered()["access_token"]
    claims = caller.claims(token)
    system = caller.tenant.identity.system

    assert system is not None
    assert (system.client_id, system.object_id, system.resource_id, "app", "2") == tuple(
        claims[name] for name in ("appid", "oid", "xms_mirid", "idtyp", "appidacr")
    )
    assert "User.Read.All" in claims["roles"]
    assert 200 == caller.graph(token, "/v1.0/users").status_code


@pytest.mark.parametrize("name", ["client_id", "object_id", "msi_res_id", "mi_res_id"])
def test_an_id_selects_a_user_assigned_identity(caller: Caller, on: Callable[..., Program], name: str) -> None:
    """
    An identity is selected by one of its three ids, in any case; the answer repeats object id and resource id.
    """
    (user,) = caller.tenant.identity.users
    value = {"client_id": user.client_id, "object_id": user.object_id}.get(name, user.resource_id)

    body = on("imds").answered(**{name: value.upper()})

    assert user.client_id == caller.claims(body["access_token"])["appid"] == body["client_id"]
    if name in ("object_id", "msi_res_id"):
        assert value.upper() == body[name]


@pytest.mark.parametrize("name", ["client_id", "object_id", "msi_res_id"])
def test_an_unknown_id_is_refused(on: Callable[..., Program], name: str) -> None:
    """
    An id of no identity is answered with 400, as on a machine without that identity.
    """
    response = on("imds").ask(**{name: "11111111-2222-3333-4444-555555555555"})

    assert 400 == response.status_code
    assert ("invalid_request", "Identity not found") == tuple(
        response.json()[key] for key in ("error", "error_description")
    )


@pytest.mark.parametrize(
    ("headers", "changes", "text"),
    [
        ({}, {}, "Required metadata header not specified"),
        ({"Metadata": "True"}, {}, "Required metadata header not specified"),
        (METADATA | {"X-Forwarded-For": "10.0.0.1"}, {}, "Required metadata header not specified"),
        (METADATA, {"resource": ""}, "Required audience parameter not specified"),
        (METADATA, {"api_version": ""}, "The api-version '' is invalid or not supported"),
        (METADATA, {"api_version": "2017-09-01"}, "The api-version '2017-09-01' is invalid or not supported"),
        (METADATA, {"client_id": "a", "object_id": "b"}, "Only one of the parameters"),
    ],
)
def test_a_malformed_request_is_refused(
    on: Callable[..., Program], headers: dict[str, str], changes: dict[str, str], text: str
) -> None:
    """
    The header `Metadata: true`, a resource and an api-version are required, and a proxy is refused.
    """
    response = on("imds").ask("", headers, **changes)

    assert 400 == response.status_code
    assert text in response.json()["error_description"]


def test_only_get_is_allowed(on: Callable[..., Program]) -> None:
    """
    Another method gets 405.
    """
    assert 405 == on("imds").ask("POST").status_code


def test_an_unknown_resource_is_refused_by_the_token_service(on: Callable[..., Program]) -> None:
    """
    Errors of the token service are passed on, with AADSTS number.
    """
    for resource in ("https://nothing.example", "https://graph.microsoft.com openid"):
        response = on("imds").ask(resource=resource)

        assert (400, "invalid_resource") == (response.status_code, response.json()["error"])
        assert "AADSTS500011" in response.json()["error_description"]


def test_the_only_identity_needs_no_id(caller: Caller, on: Callable[..., Program]) -> None:
    """
    Without a system-assigned identity, a request without an id gets the only user-assigned one, an error if there are
    several, and another error if there is none.
    """
    seed, program = caller.tenant.seed, on("imds")
    seed.remove_identity(caller.tenant.system_identity)

    only = program.answered()["client_id"]
    other = seed.add_identity("contoso-other")
    several = program.ask().json()["error_description"]
    for client_id in (other.client_id, only):
        seed.remove_identity(client_id)
    none = program.ask().json()["error_description"]

    assert caller.tenant.user_identity == only
    assert several.startswith("Multiple user assigned identities exist")
    assert "Identity not found" == none


@pytest.mark.parametrize("status", [404, 410, 500, 503])
def test_it_can_be_unavailable(caller: Caller, on: Callable[..., Program], status: int) -> None:
    """
    The statuses after which a client has to try again are sent on request, in the form of the host.
    """
    caller.tenant.faults.add(faults.Failure(endpoint="imds", status=status))
    program = on("imds")

    response = program.ask()

    assert status == response.status_code
    assert {"error", "error_description"} <= set(response.json())
    assert program.answered()["access_token"]


def test_it_throttles(caller: Caller, on: Callable[..., Program]) -> None:
    """
    429 has a Retry-After.
    """
    caller.tenant.faults.add(faults.Throttle(endpoint="imds", retry_after=7))

    response = on("imds").ask()

    assert (429, "7", "too_many_requests") == (
        response.status_code, response.headers["retry-after"], response.json()["error"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        (faults.Garbage(endpoint="imds", form="text"), 200, "upstream connect error"),
        (faults.Garbage(endpoint="imds", form="array"), 200, "[]"),
        (faults.CaptivePortal(endpoint="imds"), 200, "guest network"),
        (faults.UnexpectedRedirect(endpoint="imds"), 302, ""),
        (faults.Failure(endpoint="imds", status=503, is_html=True), 503, "503 Service Unavailable"),
    ],
)
def test_its_answers_can_be_wrong(
    caller: Caller, on: Callable[..., Program], fault: faults.AnyFault, status: int, content: str
) -> None:
    """
    Faults that replace an answer apply to hosts as to other endpoints.
    """
    caller.tenant.faults.add(fault)

    response = on("imds").ask()

    assert status == response.status_code
    assert content in response.text


def test_its_answers_can_be_late_cut_or_missing(caller: Caller, on: Callable[..., Program]) -> None:
    """
    An answer can be delayed, cut in its middle, or replaced by the end of the connection.
    """
    program = on("imds")
    caller.tenant.faults.add(faults.Slow(endpoint="imds", seconds=0.3))
    begun = time.monotonic()
    assert 200 == program.ask().status_code
    assert 0.3 <= time.monotonic() - begun
    for is_mid_body in (True, False):
        caller.tenant.faults.add(faults.Drop(endpoint="imds", is_mid_body=is_mid_body))

        with pytest.raises(httpx2.TransportError):
            program.ask()


def test_the_journal_shows_the_ids(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The journal shows which identity was requested, and no secret.
    """
    on("imds").answered(client_id=caller.tenant.user_identity)

    (entry,) = caller.tenant.journal.of("imds")

    assert (caller.tenant.user_identity, GRAPH, "true") == (
        entry.parameters["client_id"], entry.parameters["resource"], entry.headers["metadata"]
    )  # fmt: skip
