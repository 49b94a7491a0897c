"""azure-identity against the embedded tenant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    UsernamePasswordCredential,
)

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from azure.core.pipeline.transport import HttpRequest, RequestsTransportResponse

    from entrakit_emulator import Tenant

DEFAULT = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"


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
