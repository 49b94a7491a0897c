"""The choice of a flow by the credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import granted

from entrakit import Certificate, Secret, UsernamePassword
from entrakit.authority.clouds import find_cloud
from entrakit.errors import CertificateError
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.flows import AnyCredential, with_credential

if TYPE_CHECKING:
    from tests.certificates.conftest import Maker
    from tests.conftest import TokenServer

    from entrakit.http.transport import Transport

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
SCOPE = "https://graph.microsoft.com/.default"


def sign_in(server: TokenServer, transport: Transport, credential: AnyCredential) -> dict[str, str]:
    """Sign in with a credential, and return the form that was sent."""
    server.answer = lambda form: (200, granted())
    server.documents = lambda path: {"account_type": "Managed"} if "userrealm" in path else None
    authority = discover(find_cloud(server.url), server.tenant_id, transport, directory=None)
    with_credential(authority, CLIENT, transport, [SCOPE], credential=credential, claims="{}")
    return server.forms[-1]


def test_each_credential_has_its_grant(token_server: TokenServer, transport: Transport) -> None:
    """
    A secret is sent as such, and a user name with its password; each with the claims.
    """
    app = sign_in(token_server, transport, Secret("canary-secret"))
    user = sign_in(token_server, transport, UsernamePassword("ada@contoso.com", "canary-password"))

    assert ("client_credentials", "canary-secret", "{}") == (app["grant_type"], app["client_secret"], app["claims"])
    assert ("password", "ada@contoso.com", "{}") == (user["grant_type"], user["username"], user["claims"])


def test_a_certificate_signs_an_assertion(token_server: TokenServer, transport: Transport, maker: Maker) -> None:
    """
    A certificate is never sent: it signs an assertion. One that has expired is refused before anything is sent.
    """
    certificate = Certificate.from_pair(maker.key, maker.certificate())
    expired = Certificate.from_pair(maker.key, maker.certificate(begins=-9, ends=-1))

    form = sign_in(token_server, transport, certificate)

    assert 3 == len(form["client_assertion"].split("."))
    with pytest.raises(CertificateError):
        sign_in(token_server, transport, expired)
    assert form is token_server.forms[-1]
