"""A connection as a credential for other libraries: azure-core's pipeline and msgraph-sdk's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from kiota_authentication_azure.azure_identity_access_token_provider import AzureIdentityAccessTokenProvider
from tests.heartbeat import run_async

from entrakit.tokens.jwt import decode_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit import Connection
    from entrakit_emulator import Tenant

SCOPE = "https://graph.microsoft.com/.default"


class Sent(HttpTransport[HttpRequest, object]):
    """A transport that stores the request instead of sending it."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest, **options: object) -> object:
        self.requests.append(request)

        class Answer:
            status_code = 200
            headers: dict[str, str] = {}  # noqa: RUF012 - a stand-in

        return Answer()

    def open(self) -> None:
        return None

    def close(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_azures_clients_take_it(emulator: Callable[..., Connection], entra_tenant: Tenant) -> None:
    """
    azure-core's own policy gets a token from the connection and adds it to the request.
    """
    connection = emulator(client_id=entra_tenant.confidential_client, client_secret=entra_tenant.client_secret)
    sent = Sent()

    policies = [BearerTokenCredentialPolicy(connection, SCOPE)]
    pipeline: Pipeline[HttpRequest, object] = Pipeline(sent, policies)  # type: ignore[arg-type] # any answer suffices
    with pipeline:
        pipeline.run(HttpRequest("GET", "https://graph.microsoft.com/v1.0/organization"))

    assert connection.headers()["Authorization"] == sent.requests[0].headers["Authorization"]


def test_msgraph_sdk_takes_it(emulator: Callable[..., Connection], entra_tenant: Tenant) -> None:
    """
    The token provider of msgraph-sdk gets a token from the connection.
    """
    connection = emulator(client_id=entra_tenant.confidential_client, client_secret=entra_tenant.client_secret)
    provider = AzureIdentityAccessTokenProvider(connection, None, [SCOPE], ["graph.microsoft.com"])

    token = run_async(provider.get_authorization_token("https://graph.microsoft.com/v1.0/organization"))

    claims = decode_claims(token)
    assert claims
    assert "https://graph.microsoft.com" == claims["aud"]
