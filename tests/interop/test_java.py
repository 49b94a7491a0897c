"""MSAL4J and azure-identity for Java against the embedded tenant."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.interop.conversation import run_flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

HERE = Path(__file__).parent / "java"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-java-clients"
DEFAULT = ["https://graph.microsoft.com/.default"]
# The program uses no newer feature of the language.
OLDEST = 17


def missing() -> str:
    """Return the reason why the clients can't be built on this machine; empty if they can."""
    absent = [name for name in ("java", "javac", "keytool", "mvn") if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    found = re.search(r"javac (\d+)", said.stdout + said.stderr)
    return "" if found and int(found[1]) >= OLDEST else f"the installed JDK is older than {OLDEST}"


pytestmark = [
    # The first build downloads the clients.
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


@pytest.fixture(scope="module", autouse=True)
def java_clients() -> None:
    """Build the clients once; a failing build is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=590)


@pytest.fixture(scope="module")
def trust_store(interop_server: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a key store of Java with the authority of the tenant."""
    path = tmp_path_factory.mktemp("java") / "trust.p12"
    subprocess.run(
        [
            "keytool", "-importcert", "-noprompt", "-alias", "emulator", "-file", interop_server.ca_path,
            "-keystore", str(path), "-storetype", "PKCS12", "-storepass", "changeit",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.fixture(params=["msal4j", "azure-identity"])
def walk(tenant: Tenant, trust_store: Path, request: pytest.FixtureRequest) -> Callable[..., dict[str, object]]:
    """Return a function that runs a flow of a client with a simulated user, and returns the result."""

    def walk_flow(flow: str, **task: object) -> dict[str, object]:
        given = {
            "client": request.param, "flow": flow, "host": tenant.url, "tenant": tenant.tenant_id,
            "authority": f"{tenant.url}/{tenant.tenant_id}/",
        }  # fmt: skip
        classes = f"{HERE / 'build'}:{(HERE / 'build' / 'classpath').read_text(encoding='utf-8')}"
        options = [f"-Djavax.net.ssl.trustStore={trust_store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
        return run_flow(tenant, ["java", *options, "-cp", classes, "Flows"], given | task, {})

    return walk_flow


@pytest.fixture
def certificate_path(tenant: Tenant, tmp_path: Path) -> str:
    """Return a file with the certificate of the confidential app and its key."""
    (tmp_path / "app.pem").write_text(tenant.certificate_pem + tenant.private_key_pem, encoding="ascii")
    return str(tmp_path / "app.pem")


def test_secret_signs_an_app_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    Both clients send OpenID Connect scopes next to `.default`.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret=tenant.client_secret, scopes=DEFAULT)

    assert result.get("accessToken"), result
    assert {"offline_access", DEFAULT[0]} <= set(tenant.journal.of("token")[0].parameters["scope"].split())


def test_certificate_signs_an_app_in(
    tenant: Tenant, walk: Callable[..., dict[str, object]], certificate_path: str
) -> None:
    """
    Client credentials by an assertion with a thumbprint.
    """
    result = walk("certificate", clientId=tenant.confidential_client, certificatePath=certificate_path, scopes=DEFAULT)

    assert result.get("accessToken"), result


@pytest.mark.parametrize("scope", ["User.Read", "https://graph.microsoft.com/User.Read"])
def test_a_device_signs_a_person_in(tenant: Tenant, walk: Callable[..., dict[str, object]], scope: str) -> None:
    """
    MSAL4J finds the token again in its cache, in whichever form the scope was requested.
    """
    result = walk("device", clientId=tenant.public_client, scopes=[scope])

    assert result.get("accessToken"), result
    assert tenant.users.normal.upn == result.get("username", tenant.users.normal.upn)
    assert result.get("fromCache", True)


def test_password_signs_a_person_in(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    MSAL4J asks for the realm of the user first.
    """
    user = tenant.users.normal

    result = walk(
        "password", clientId=tenant.public_client, username=user.upn, password=user.password, scopes=["User.Read"]
    )

    assert result.get("accessToken"), result
    assert user.upn == result.get("username", user.upn)
    assert result.get("fromCache", True)


def test_a_wrong_secret_is_reported(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The client reads the emulator's error as it reads the service's.
    """
    result = walk("secret", clientId=tenant.confidential_client, clientSecret="wrong", scopes=DEFAULT)

    assert "AADSTS7000215" in str(result["message"])
