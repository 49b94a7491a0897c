"""The password grant for a federated tenant: the password is sent to its federation service over WS-Trust."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from entrakit import UsernamePassword, connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import EntraError, NetworkError, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

ASSERTION = "<saml:Assertion>Ada</saml:Assertion>"
ISSUED = (
    "<s:Envelope><s:Body><t:RequestSecurityTokenResponse><t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion"
    f"</t:TokenType><t:RequestedSecurityToken>{ASSERTION}</t:RequestedSecurityToken>"
    "</t:RequestSecurityTokenResponse></s:Body></s:Envelope>"
)
REFUSED = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Subcode>'
    "<s:Value>a:FailedAuthentication</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason>"
    "</s:Fault></s:Body></s:Envelope>"
)


@pytest.fixture
def sign_in(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that signs in to a tenant that is federated with its own service."""

    def run(status: int, answer: str, address: str = "") -> Connection:
        service = address or f"{token_server.url}/adfs/services/trust/13/usernamemixed"
        token_server.documents = lambda path: {
            "account_type": "Federated",
            "federation_protocol": "WSTrust",
            "federation_active_auth_url": service,
        }
        token_server.answer = lambda form: (
            (status, answer.encode())
            if "text" in form
            else (200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "granted"})
        )
        return connect(
            client_id="Graph", tenant_id=token_server.tenant_id,
            credential=UsernamePassword("ada@fed.example", "canary&<"), cloud=find_cloud(token_server.url),
            transport=transport, clock=clock,
        )  # fmt: skip

    return run


def test_the_assertion_is_exchanged(
    sign_in: Callable[..., Connection], token_server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The assertion of the service is exchanged for a token, and the log names the host (checklist 31).
    """
    assert "granted" == sign_in(200, ISSUED).token().access_token

    soap, form = token_server.forms
    assert "canary&amp;&lt;" in soap["text"]
    assert "urn:ietf:params:oauth:grant-type:saml1_1-bearer" == form["grant_type"]
    text = form["assertion"]
    assert ASSERTION.encode() == base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert "federation service of this tenant" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("status", [200, 500])
def test_a_refusal_is_asked_once(sign_in: Callable[..., Connection], token_server: TokenServer, status: int) -> None:
    """
    A wrong password is often answered with 500: it is reported and not retried, because retries could lock the account.
    """
    with pytest.raises(SignInError, match="refused the user name and password") as caught:
        sign_in(status, REFUSED)

    assert 1 == len(token_server.forms)
    assert "canary" not in str(caught.value)


def test_a_federation_without_tls_gets_nothing(sign_in: Callable[..., Connection], token_server: TokenServer) -> None:
    """
    The password is never sent without TLS, regardless of the federation service's address (checklist 31).
    """
    with pytest.raises(EntraError, match="not an https address"):
        sign_in(200, ISSUED, "http://localhost/adfs/services/trust/13/usernamemixed")

    assert [] == token_server.forms


def test_a_service_that_answers_nonsense_is_told(sign_in: Callable[..., Connection]) -> None:
    """
    Any other answer is an EntraError, not an error of an XML parser.
    """
    with pytest.raises(NetworkError, match="not the answer of a token service"):
        sign_in(200, "nonsense")
