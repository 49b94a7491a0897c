"""@azure/msal-node against the embedded tenant: every flow of the library."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

HERE = Path(__file__).parent / "node"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-node-clients"
NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
DEFAULT = ["https://graph.microsoft.com/.default"]
TIMEOUT_S = 60


@pytest.fixture(scope="module", autouse=True)
def node_clients() -> None:
    """Install the client once; a failing installation is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=300)


@pytest.fixture
def walk(tenant: Tenant) -> Callable[..., dict[str, object]]:
    """Return a function that runs a flow in Node.js with a simulated user, and returns the result."""

    def walk_flow(flow: str, **task: object) -> dict[str, object]:
        authority = f"{tenant.url}/{tenant.tenant_id}"
        given = {"flow": flow, "authority": authority, "knownAuthority": urlsplit(tenant.url).netloc} | task
        environment = os.environ | {"NODE_EXTRA_CA_CERTS": tenant.ca_path}
        with subprocess.Popen(
            ["node", HERE / "flows.mjs"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        ) as process:  # fmt: skip
            watchdog = threading.Timer(TIMEOUT_S, process.kill)
            watchdog.start()
            try:
                return _converse(tenant, process, given)
            finally:
                watchdog.cancel()

    return walk_flow


def _converse(tenant: Tenant, process: subprocess.Popen[str], task: dict[str, object]) -> dict[str, object]:
    """Do as a user what the client requests, until it is done."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    person = tenant.person()
    for line in process.stdout:
        said: dict[str, dict[str, object]] = json.loads(line)
        if "device" in said:
            person.approve_device(str(said["device"]["userCode"]))
        elif "open" in said and task["flow"] == "interactive":
            person.open_browser(str(said["open"]))
        elif "open" in said:
            page = person.visit(str(said["open"]))
            process.stdin.write(json.dumps({"code": parse_qs(urlsplit(page.url).query)["code"][0]}) + "\n")
            process.stdin.flush()
        else:
            return said["result"] if "result" in said else said["error"]
    raise AssertionError("The client ended without a word.")


@pytest.mark.parametrize("flow", ["code", "silent", "refresh", "interactive", "device"])
def test_public_flows_sign_a_person_in(tenant: Tenant, walk: Callable[..., dict[str, object]], flow: str) -> None:
    """
    The flows are: authorization code with PKCE, renewal from cache and by token, its loopback server, and device code.
    """
    result = walk(flow, clientId=tenant.public_client, redirectUri=NATIVE)

    assert tenant.users.normal.upn == result.get("username"), result
    # The only missing parameter, at the device code endpoint.
    assert {"client_request_id_missing"} >= {one.rule for one in tenant.journal.violations}


def test_password_signs_a_person_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The password grant works for a public client.
    """
    user = tenant.users.normal

    result = walk("password", clientId=tenant.public_client, username=user.upn, password=user.password)

    assert user.upn == result.get("username"), result


def test_a_web_app_redeems_a_code_with_its_secret(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    A confidential client authenticates when it redeems a code.
    """
    result = walk(
        "confidentialCode",
        clientId=tenant.confidential_client,
        clientSecret=tenant.client_secret,
        redirectUri="https://nightly.contoso.example/signed-in",
    )

    assert tenant.users.normal.upn == result.get("username"), result


def test_secret_signs_an_app_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    Client credentials by secret.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret=tenant.client_secret, scopes=DEFAULT)

    assert result.get("accessToken"), result


def test_certificate_signs_an_app_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    Client credentials by an assertion with x5t#S256 and x5c.
    """
    certificate = x509.load_pem_x509_certificate(tenant.certificate_pem.encode())

    result = walk(
        "certificate",
        clientId=tenant.confidential_client,
        clientCertificate={
            "thumbprintSha256": certificate.fingerprint(hashes.SHA256()).hex(),
            "privateKey": tenant.private_key_pem,
            "x5c": tenant.certificate_pem,
        },
        scopes=DEFAULT,
    )

    assert result.get("accessToken"), result


def test_a_wrong_secret_is_told(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The client reads the emulator's error as it reads the service's.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret="wrong", scopes=DEFAULT)

    assert ("invalid_client", 7000215) == (result["code"], result["number"])
