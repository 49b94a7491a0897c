"""MSAL Go, azidentity and msgraph-sdk-go against the embedded tenant."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.interop.conversation import caller_token, run_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit_emulator import Tenant
    from entrakit_emulator.outside_issuer import OutsideIssuer

HERE = Path(__file__).parent / "go"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-go-clients"
CONNECTION = "6a1ae2b5-9cf6-4c5f-a8d9-0fd5ad1aa7b5"
DEFAULT = ["https://graph.microsoft.com/.default"]


def version(text: str) -> tuple[int, ...]:
    """Return the version of Go in a string such as `go1.26.8`."""
    found = re.search(r"go ?(\d+)\.(\d+)", text)
    assert found
    return tuple(int(part) for part in found.groups())


def missing() -> str:
    """Return the reason why the clients can't be built on this machine; empty if they can."""
    if shutil.which("go") is None:
        return "Go is not installed"
    installed = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    needed = (HERE / "go.mod").read_text(encoding="utf-8")
    return "" if version(installed) >= version(needed) else "the installed Go is older than the clients need"


pytestmark = [
    # The first build downloads and compiles the clients.
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


@pytest.fixture(scope="module", autouse=True)
def go_clients() -> None:
    """Build the clients once; a failing build is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=590)


def run(
    tenant: Tenant, client: str, flow: str, variables: Mapping[str, str] | None = None, /, **task: object
) -> dict[str, object]:
    """Run a flow of a client with a simulated user and additional variables, and return the result."""
    given = {
        "client": client, "flow": flow, "host": tenant.url, "tenant": tenant.tenant_id,
        "authority": f"{tenant.url}/{tenant.tenant_id}",
    }  # fmt: skip
    # Go reads the authorities to trust from this file, on Linux.
    environ = {"SSL_CERT_FILE": tenant.ca_path, "SSL_CERT_DIR": str(HERE / "nowhere"), **(variables or {})}
    return run_flow(tenant, [str(HERE / "build" / "flows")], given | task, environ)


@pytest.fixture(params=["msal", "azidentity"])
def walk(tenant: Tenant, request: pytest.FixtureRequest) -> Callable[..., dict[str, object]]:
    """Return a function that runs a flow of a client with a simulated user, and returns the result."""
    return partial(run, tenant, request.param)


@pytest.fixture
def graph(tenant: Tenant) -> Callable[..., dict[str, object]]:
    """Return a function that runs a scenario of msgraph-sdk-go, by default as an app that changes users."""
    tenant.seed.grant_roles(tenant.confidential_client, "https://graph.microsoft.com", ["User.ReadWrite.All"])

    def run_scenario(scenario: str, flow: str = "secret", **task: object) -> dict[str, object]:
        app = {"clientId": tenant.confidential_client, "clientSecret": tenant.client_secret, "scopes": DEFAULT}
        return run(tenant, "msgraph", flow, scenario=scenario, **(app | task))

    return run_scenario


def test_secret_signs_an_app_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    Both clients send OpenID Connect scopes next to `.default`; MSAL finds the token again in its cache.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret=tenant.client_secret, scopes=DEFAULT)

    assert result.get("accessToken"), result
    assert tenant.journal.of("token")[0].parameters["scope"].startswith(DEFAULT[0])


def test_certificate_signs_an_app_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The thumbprint of the assertion is in standard base64.
    """
    pem = tenant.certificate_pem + tenant.private_key_pem

    result = walk("certificate", clientId=tenant.confidential_client, certificate=pem, scopes=DEFAULT)

    assert result.get("accessToken"), result


@pytest.mark.parametrize("scope", ["User.Read", "https://graph.microsoft.com/User.Read", *DEFAULT])
def test_a_device_signs_a_person_in(
    tenant: Tenant, walk: Callable[..., dict[str, object]], scope: str, request: pytest.FixtureRequest
) -> None:
    """
    The client polls several times within the first second. No scope counts as declined, in whichever form it was
    requested, and MSAL finds the token again in its cache.
    """
    result = walk("device", clientId=tenant.public_client, scopes=[scope])

    assert result.get("accessToken"), result
    if "msal" in request.node.name:
        assert (tenant.users.normal.upn, None, True) == (result["username"], result["declined"], result["fromCache"])


def test_password_signs_a_person_in(
    tenant: Tenant, walk: Callable[..., dict[str, object]], request: pytest.FixtureRequest
) -> None:
    """
    MSAL asks for the realm of the user at `/common/UserRealm`.
    """
    user = tenant.users.normal

    result = walk(
        "password", clientId=tenant.public_client, username=user.upn, password=user.password, scopes=["User.Read"]
    )

    assert result.get("accessToken"), result
    assert 1 == len(tenant.journal.of("userrealm"))
    if "msal" in request.node.name:
        assert (user.upn, None, True) == (result["username"], result["declined"], result["fromCache"])


def test_a_wrong_secret_is_reported(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The client reads the emulator's error as it reads the service's.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret="wrong", scopes=DEFAULT)

    assert "AADSTS7000215" in str(result["message"])


@pytest.fixture
def issuer(tenant: Tenant) -> OutsideIssuer:
    """An issuer that the confidential app trusts for the subject `me`."""
    made = tenant.add_issuer()
    tenant.seed.add_federated_credential(tenant.confidential_client, made.issuer, "me")
    return made


def test_workload_identity_signs_an_app_in(tenant: Tenant, issuer: OutsideIssuer) -> None:
    """
    A pod signs in with the variables and the file that Kubernetes gives it.
    """
    variables = issuer.kubernetes("me", tenant.confidential_client)

    result = run(tenant, "azidentity", "workload", variables, scopes=DEFAULT)

    assert result.get("accessToken"), result


def test_azure_pipelines_signs_an_app_in(tenant: Tenant, issuer: OutsideIssuer) -> None:
    """
    A job of Azure Pipelines signs in with the tokens of its service connection.
    """
    variables = issuer.azure_pipelines("me", CONNECTION)
    app = {"clientId": tenant.confidential_client, "connection": CONNECTION, "scopes": DEFAULT}

    result = run(tenant, "azidentity", "pipelines", variables, **app)

    assert result.get("accessToken"), result


@pytest.mark.parametrize(("subject", "code"), [("me", ""), ("ME", "AADSTS7002138:"), ("other", "AADSTS700213:")])
def test_a_client_assertion_signs_an_app_in(tenant: Tenant, issuer: OutsideIssuer, subject: str, code: str) -> None:
    """
    A callback provides the token of the issuer; the error of a wrong one contains the service's message.
    """
    app = {"clientId": tenant.confidential_client, "scopes": DEFAULT}

    result = run(tenant, "azidentity", "assertion", assertion=issuer.sign(subject), **app)

    assert bool(result.get("accessToken")) == (not code), result
    assert code in str(result.get("message", ""))


def test_an_api_acts_on_behalf_of_its_caller(
    tenant: Tenant, walk: Callable[..., dict[str, object]], request: pytest.FixtureRequest
) -> None:
    """
    Both clients exchange the caller's token, and MSAL finds the new one again in its cache.
    """
    app = {"clientId": tenant.api_client, "clientSecret": tenant.api_secret, "scopes": ["User.Read"]}

    result = walk("onBehalfOf", userAssertion=caller_token(tenant), **app)

    assert result.get("accessToken"), result
    if "msal" in request.node.name:
        assert (tenant.users.normal.upn, True) == (result["username"], result["fromCache"])


def test_the_sdk_signs_an_app_in_with_a_certificate(tenant: Tenant, graph: Callable[..., dict[str, object]]) -> None:
    """
    The credential of azidentity gives the SDK its tokens.
    """
    pem = tenant.certificate_pem + tenant.private_key_pem

    assert graph("list", "certificate", certificate=pem)["names"]


@pytest.mark.parametrize("flow", ["device", "password"])
def test_the_sdk_signs_a_person_in(tenant: Tenant, graph: Callable[..., dict[str, object]], flow: str) -> None:
    """
    `/me` is the user who signed in, by a device code or by name and password.
    """
    user = tenant.users.normal

    result = graph(
        "me", flow, clientId=tenant.public_client, username=user.upn, password=user.password, scopes=["User.Read"]
    )

    assert {"username": user.upn} == result


def test_the_page_iterator_of_the_sdk_turns_all_pages(tenant: Tenant, graph: Callable[..., dict[str, object]]) -> None:
    """
    The iterator follows all next links, and returns each user once.
    """
    names = graph("list")["names"]

    expected = [one.display_name for one in tenant.users]
    assert sorted(expected) == sorted(cast("list[str]", names))
    pages = [entry for entry in tenant.journal.of("graph") if "users" in entry.path]
    assert (len(expected) + 1) // 2 == len(pages)


def test_the_sdk_sends_a_batch(tenant: Tenant, graph: Callable[..., dict[str, object]]) -> None:
    """
    The second item runs after the first, and the SDK reads objects and errors of items by their ids.
    """
    user = tenant.users.normal

    result = graph("batch", username=user.upn)

    assert {"status": 204, "name": user.display_name, "title": "Clerk", "code": "Request_ResourceNotFound"} == result


def test_the_sdk_follows_a_delta(tenant: Tenant, graph: Callable[..., dict[str, object]]) -> None:
    """
    The first round returns all users, and each delta link only what was created or deleted after it.
    """
    result = graph("delta")

    assert sorted(one.display_name for one in tenant.users) == sorted(cast("list[str]", result["first"]))
    assert (["Una"], ["removed"]) == (result["second"], result["third"])


def test_the_sdk_reads_an_error(graph: Callable[..., dict[str, object]]) -> None:
    """
    The code of a refused request is in the SDK's error.
    """
    assert {"code": "Request_BadRequest"} == graph("refusal")
