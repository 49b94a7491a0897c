"""azure-identity against the embedded tenant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import (
    AzurePipelinesCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    OnBehalfOfCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from tests.interop.conversation import caller_token

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterator

    from azure.core.pipeline.transport import HttpRequest, RequestsTransportResponse

    from entrakit_emulator import Tenant
    from entrakit_emulator.outside_issuer import OutsideIssuer

DEFAULT = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"
CONNECTION = "6a1ae2b5-9cf6-4c5f-a8d9-0fd5ad1aa7b5"


class Transport(RequestsTransport):  # type: ignore[misc] # azure-core's types hide it
    """azure-core's own transport, with the port added where MSAL omits it."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(connection_verify=tenant.ca_path, use_env_settings=False)
        self._url = tenant.url

    def send(self, request: HttpRequest, **kwargs: object) -> RequestsTransportResponse:
        request.url = request.url.replace("https://localhost/", f"{self._url}/")
        return super().send(request, **kwargs)


@pytest.fixture
def options(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Return the arguments of every credential."""
    with Transport(tenant) as transport:
        yield {"authority": tenant.url, "disable_instance_discovery": True, "transport": transport}


def test_secret(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    An app signs in with its secret.
    """
    credential = ClientSecretCredential(tenant.tenant_id, tenant.confidential_client, tenant.client_secret, **options)

    token = credential.get_token(DEFAULT)

    assert time.time() + 3000 < token.expires_on


@pytest.mark.parametrize("sends_chain", [False, True])
def test_certificate(tenant: Tenant, options: dict[str, Any], *, sends_chain: bool) -> None:
    """
    An app signs in with its certificate.
    """
    pem = (tenant.private_key_pem + tenant.certificate_pem).encode()
    credential = CertificateCredential(
        tenant.tenant_id, tenant.confidential_client,
        certificate_data=pem, send_certificate_chain=sends_chain, **options,
    )  # fmt: skip

    token = credential.get_token(DEFAULT)

    assert time.time() + 3000 < token.expires_on


def test_device_code(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    A user signs a device in by typing its code.
    """
    person = tenant.person()

    def prompt(uri: str, user_code: str, expires_on: datetime.datetime) -> None:
        person.approve_device(user_code)

    credential = DeviceCodeCredential(
        tenant.public_client, tenant_id=tenant.tenant_id, prompt_callback=prompt, **options
    )

    record = credential.authenticate(scopes=[READ])

    assert tenant.users.normal.upn == record.username


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_password(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    A user signs in with name and password, and the token is renewed from the cache.
    """
    user = tenant.users.normal
    credential = UsernamePasswordCredential(
        tenant.public_client, user.upn, user.password, tenant_id=tenant.tenant_id, **options
    )

    first = credential.get_token(READ)
    second = credential.get_token(READ)

    assert first.token == second.token


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_wrong_password_is_told(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    The error contains the service's message.
    """
    credential = UsernamePasswordCredential(
        tenant.public_client, tenant.users.normal.upn, "wrong", tenant_id=tenant.tenant_id, **options
    )

    with pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
        credential.get_token(READ)


@pytest.fixture
def trusted(tenant: Tenant) -> Callable[[str], OutsideIssuer]:
    """Return a function that starts an issuer, which the confidential app trusts for a subject."""

    def start(subject: str) -> OutsideIssuer:
        issuer = tenant.add_issuer()
        tenant.seed.add_federated_credential(tenant.confidential_client, issuer.issuer, subject)
        return issuer

    return start


@pytest.mark.parametrize("kind", [WorkloadIdentityCredential, DefaultAzureCredential])
def test_workload_identity(
    tenant: Tenant,
    options: dict[str, Any],
    trusted: Callable[[str], OutsideIssuer],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[WorkloadIdentityCredential | DefaultAzureCredential],
) -> None:
    """
    A pod signs in with the variables and the file that Kubernetes gives it, also as one of several ways.
    """
    subject = "system:serviceaccount:shop:api"
    for name, value in trusted(subject).kubernetes(subject, tenant.confidential_client).items():
        monkeypatch.setenv(name, value)

    token = kind(**options).get_token(DEFAULT)

    assert time.time() + 3000 < token.expires_on


def test_azure_pipelines(
    tenant: Tenant,
    options: dict[str, Any],
    trusted: Callable[[str], OutsideIssuer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A job of Azure Pipelines signs in with the tokens of its service connection.
    """
    subject = "sc://contoso/shop/azure"
    variables = trusted(subject).azure_pipelines(subject, CONNECTION)
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", variables["SYSTEM_OIDCREQUESTURI"])
    credential = AzurePipelinesCredential(
        tenant_id=tenant.tenant_id, client_id=tenant.confidential_client, service_connection_id=CONNECTION,
        system_access_token=variables["SYSTEM_ACCESSTOKEN"], **options,
    )  # fmt: skip

    token = credential.get_token(DEFAULT)

    assert time.time() + 3000 < token.expires_on


@pytest.mark.parametrize(("subject", "code"), [("me", ""), ("Me", "AADSTS7002138"), ("other", "AADSTS700213")])
def test_client_assertion(
    tenant: Tenant, options: dict[str, Any], trusted: Callable[[str], OutsideIssuer], subject: str, code: str
) -> None:
    """
    A callback provides the token of the issuer; the error of a wrong one contains the service's message.
    """
    issuer = trusted("me")
    credential = ClientAssertionCredential(
        tenant.tenant_id, tenant.confidential_client, lambda: issuer.sign(subject), **options
    )

    if code:
        with pytest.raises(ClientAuthenticationError, match=code):
            credential.get_token(DEFAULT)
    else:
        assert time.time() + 3000 < credential.get_token(DEFAULT).expires_on


@pytest.mark.parametrize("proof", ["secret", "certificate", "assertion"])
def test_on_behalf_of(tenant: Tenant, options: dict[str, Any], proof: str) -> None:
    """
    An API gets a token for Graph with each of its credentials.
    """
    given: dict[str, Any] = {"client_secret": tenant.api_secret}
    if proof == "certificate":
        tenant.seed.add_certificate(tenant.api_client, tenant.certificate_pem)
        given = {"client_certificate": (tenant.private_key_pem + tenant.certificate_pem).encode()}
    elif proof == "assertion":
        issuer = tenant.add_issuer()
        tenant.seed.add_federated_credential(tenant.api_client, issuer.issuer, "api")
        given = {"client_assertion_func": lambda: issuer.sign("api")}
    assertion = caller_token(tenant)
    credential = OnBehalfOfCredential(tenant.tenant_id, tenant.api_client, user_assertion=assertion, **given, **options)

    first, second = (credential.get_token(READ) for _ in range(2))

    assert first.token == second.token
    assert time.time() + 3000 < first.expires_on


def test_the_assertion_of_another_api_is_told(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    The error contains the service's message.
    """
    assertion = caller_token(tenant, "https://vault.azure.net/.default")
    credential = OnBehalfOfCredential(
        tenant.tenant_id, tenant.api_client, client_secret=tenant.api_secret, user_assertion=assertion, **options
    )

    with pytest.raises(ClientAuthenticationError, match="AADSTS500131"):
        credential.get_token(READ)
