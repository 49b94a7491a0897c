"""`entra connect --on-behalf-of-stdin`: the user's token from standard input, the app's credential from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter
from tests.sign_in.tools import token_with

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from tests.conftest import TokenServer

API = "aaaaaaaa-2222-3333-4444-555555555555"
USER = token_with(oid="1", aud=API, exp=32503680000)


@pytest.fixture
def entra_on(entra: Command, token_server: TokenServer, test_ca: tuple[object, object]) -> Command:
    """Return the command with the ids of the API, and the token server as the cloud."""
    token_server.answer = Counter(refresh_token="canary-next")
    entra.environ |= {
        "AZURE_CLIENT_ID": API, "AZURE_TENANT_ID": token_server.tenant_id, "AZURE_AUTHORITY_HOST": token_server.url,
    }  # fmt: skip
    return entra


def test_the_secret_comes_from_its_usual_variable(entra_on: Command, token_server: TokenServer, ca: str) -> None:
    """
    The token is read from standard input, the secret from AZURE_CLIENT_SECRET or from where an option says. The
    connection is saved, and says what renews it.
    """
    entra_on.environ["AZURE_CLIENT_SECRET"] = "canary-secret"

    made = entra_on("connect", "--on-behalf-of-stdin", "--ca-bundle", ca, given=USER)

    assert 0 == made.code, made.error
    assert (USER, "canary-secret") == tuple(token_server.forms[-1][name] for name in ("assertion", "client_secret"))
    assert "signing in with AZURE_CLIENT_SECRET." in made.error
    source = "its refresh token, with the client secret in the variable AZURE_CLIENT_SECRET"
    assert f"default gets its next token from {source}." in entra_on("status").error
    assert "canary" not in made.error + made.output


def test_a_credential_is_required(entra_on: Command, ca: str) -> None:
    """
    Without a credential of the app nothing is sent; the remedy names options.
    """
    refused = entra_on("connect", "--on-behalf-of-stdin", "--ca-bundle", ca, given=USER)

    assert 2 == refused.code
    assert "must authenticate itself" in refused.error
    assert "--client-secret-stdin" in refused.error


def test_the_caller_is_told_what_the_user_must_do(entra_on: Command, token_server: TokenServer, ca: str) -> None:
    """
    A second factor is exit code 4, and does not send the web API to a browser.
    """
    entra_on.environ["AZURE_CLIENT_SECRET"] = "canary-secret"
    token_server.answer = lambda form: (400, {"error": "interaction_required", "error_description": "AADSTS50076: x"})

    refused = entra_on("connect", "--on-behalf-of-stdin", "--ca-bundle", ca, given=USER)

    assert (4, True) == (refused.code, "Answer the caller of the web API with status 401" in refused.error)


def test_the_command_reads_as_the_user(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    At the embedded tenant: a user's token on standard input gives a token of Microsoft Graph for that user, and another
    connection like this one.
    """
    tenant = entra.tenant
    entra.environ |= {"AZURE_PASSWORD": tenant.users.normal.password, "API_SECRET": tenant.api_secret}
    monkeypatch.setenv("API_SECRET", tenant.api_secret)
    scope = f"{tenant.api_uri}/Orders.Read"
    assert 0 == entra.connect("--username", tenant.users.normal.upn, "--name", "user", "--scope", scope).code
    token = entra("token", "--name", "user").output.strip()

    words = ("--client-id", tenant.api_client, "--client-secret-env", "API_SECRET", "--name", "api")
    made = entra.connect(*words, "--on-behalf-of-stdin", given=token)
    like = entra("connect", "--like", "api", "--name", "other")

    assert 0 == made.code, made.error
    assert 0 == like.code, like.error
    assert tenant.users.normal.upn in entra("status", "--name", "other").output
    assert tenant.users.normal.upn in entra("inspect", "--name", "other", "--json").output
    assert token not in made.error + made.output


@pytest.fixture
def ca(test_ca: tuple[object, object]) -> str:
    """Return the path of the CA certificate of the token server."""
    return str(test_ca[0])
