"""`entra connect --service`: one sign-in, and a check of each service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Command
    from tests.conftest import TokenServer

AZURE, KEY_VAULT = "https://management.azure.com", "https://vault.azure.net"


@pytest.fixture
def sign_in(
    entra: Command, token_server: TokenServer, test_ca: tuple[object, object]
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that connects an app at a token server, and returns exit code, output and messages."""
    token_server.answer = Counter()
    entra.environ |= {
        "AZURE_CLIENT_ID": "aaaaaaaa-2222-3333-4444-555555555555", "AZURE_TENANT_ID": token_server.tenant_id,
        "AZURE_AUTHORITY_HOST": token_server.url, "AZURE_CLIENT_SECRET": "canary-secret",
    }  # fmt: skip

    def run(*words: str, given: str = "") -> tuple[int, str, str]:
        result = entra("connect", "--ca-bundle", str(test_ca[0]), *words, given=given)
        return result.code, result.output, result.error

    return run


def test_one_sign_in_serves_each_service(
    sign_in: Callable[..., tuple[int, str, str]], token_server: TokenServer
) -> None:
    """
    The first service is that of the default token. Each of the others gets one token, and is reported.
    """
    code, output, _ = sign_in("--service", "azure", "--service", "keyvault", "--json")
    _, _, messages = sign_in("--service", "azure", "--service", "keyvault")

    assert (0, [f"{AZURE}/.default", f"{KEY_VAULT}/.default"]) == (
        code,
        [form["scope"] for form in token_server.forms[:2]],
    )
    services = json.loads(output)["services"]
    assert [("azure", AZURE), ("keyvault", KEY_VAULT)] == [(one["service"], one["resource"]) for one in services]
    assert all(one["expires_on"] > 0 for one in services)
    assert "azure gives a token, valid until " in messages
    assert "keyvault gives a token, valid until " in messages


def test_a_service_without_a_token_is_reported(
    sign_in: Callable[..., tuple[int, str, str]], token_server: TokenServer
) -> None:
    """
    The connection is saved, the others are checked, and the exit code is that of the first failure.
    """
    answer = Counter()
    refusal = {"error": "invalid_grant", "suberror": "consent_required", "error_description": "AADSTS65001: no"}
    token_server.answer = lambda form: (400, refusal) if KEY_VAULT in form["scope"] else answer(form)

    words = ("--service", "azure", "--service", "key-vault", "--service", "graph")

    as_json, output, _ = sign_in(*words, "--json")
    code, _, messages = sign_in(*words)

    assert (4, 4) == (code, as_json)
    assert ["azure", "graph"] == [one["service"] for one in json.loads(output)["services"] if "expires_on" in one]
    assert "Warning: key-vault gives no token: The permissions that the app requests lack consent." in messages
    assert "graph gives a token" in messages
    assert "Saved as 'default'" in messages


def test_a_user_gets_everything_that_was_consented_to(
    sign_in: Callable[..., tuple[int, str, str]], token_server: TokenServer
) -> None:
    """
    For a user, the sign-in requests `.default` of the service. For Microsoft Graph it requests the usual scope.
    """
    token_server.answer = Counter(refresh_token="canary-next")

    for service in ("azure", "graph"):
        assert 0 == sign_in("--service", service, "--refresh-token-stdin", "--yes", given="canary")[0]

    first, graph = token_server.forms[0], token_server.forms[-2]
    assert f"{AZURE}/.default" in first["scope"].split()
    assert "https://graph.microsoft.com/User.Read" in graph["scope"].split()


def test_a_way_that_is_chosen_gets_no_warning_about_scopes(
    sign_in: Callable[..., tuple[int, str, str]], entra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With `--auto` it is not known yet whether an app or a user signs in. Nobody named a scope, so no warning is printed.
    """
    for name, value in entra.environ.items():
        monkeypatch.setenv(name, value)

    code, _, messages = sign_in("--auto", "--service", "azure")

    assert (0, True, False) == (code, "azure gives a token" in messages, "Scopes are for users" in messages)


def test_an_unknown_service_is_refused_before_the_sign_in(
    sign_in: Callable[..., tuple[int, str, str]], token_server: TokenServer
) -> None:
    """
    The error lists the known ones, and nothing is sent.
    """
    code, _, messages = sign_in("--service", "mail")

    assert (2, []) == (code, token_server.forms)
    assert "There is no service named 'mail'." in messages
    assert "key-vault" in messages
