"""Tokens for azure-core: of its classes if it is installed, else with the same fields; masked in both."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from tests.connection.conftest import Counter

from entrakit.connection.azure_credential import access_token, access_token_info
from entrakit.errors import ParameterError
from entrakit.tokens.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TokenServer

    from entrakit import Connection

TOKEN = Token("canary-token", issued_at=1e9, expires_at=1e9 + 3600.5, refresh_at=1e9 + 60)


def test_they_are_of_azures_classes() -> None:
    """
    msgraph-sdk ignores tokens of any other class.
    """
    one, info = access_token(TOKEN), access_token_info(TOKEN)

    assert isinstance(one, AccessToken)
    assert isinstance(info, AccessTokenInfo)
    assert ("canary-token", 1_000_003_600) == (one.token, one.expires_on)
    assert ("canary-token", "Bearer", 1_000_000_060) == (info.token, info.token_type, info.refresh_on)
    assert "canary" not in repr(one) + repr(info)


def test_without_azure_core_they_are_alike() -> None:
    """
    Without azure-core, tokens have the same fields and the same mask.
    """
    program = (
        "import sys; sys.modules['azure.core'] = None\n"
        "from entrakit.connection.azure_credential import access_token, access_token_info\n"
        "from entrakit.tokens.token import Token\n"
        "token = Token('canary', issued_at=0, expires_at=60)\n"
        "one, info = access_token(token), access_token_info(token)\n"
        "print(one.token, one.expires_on, info.token_type, info.refresh_on, 'canary' in repr(one))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "canary 60 Bearer None False" == done.stdout.strip()


def test_it_is_a_credential_for_azure(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    The connection has the shape of azure-core's TokenCredential and SupportsTokenInfo.
    """
    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    token_server.answer = Counter()
    connection = open_app()

    token = connection.get_token("https://vault.azure.net/.default", tenant_id=token_server.tenant_id)
    info = connection.get_token_info(
        "https://vault.azure.net/.default", options={"enable_cae": True, "claims": '{"id_token": {}}'}
    )

    assert isinstance(connection, TokenCredential)
    assert isinstance(connection, SupportsTokenInfo)
    assert ("token-2", "token-3", "Bearer") == (token.token, info.token, info.token_type)
    assert isinstance(token.expires_on, int)


@pytest.mark.parametrize(("scopes", "tenant"), [((), None), (("a/.default",), "other.example")])
def test_azure_may_not_ask_for_another_tenant(
    token_server: TokenServer, open_app: Callable[..., Connection], scopes: tuple[str, ...], tenant: str | None
) -> None:
    """
    A token of another tenant than the connection's is refused, and so is a token without a scope.
    """
    token_server.answer = Counter()
    connection = open_app()

    with pytest.raises(ParameterError):
        connection.get_token(*scopes, tenant_id=tenant)


def test_the_tokens_for_azure_do_not_show_themselves(
    token_server: TokenServer, open_app: Callable[..., Connection]
) -> None:
    """
    The objects for azure-core have the token, and a repr without it.
    """
    token_server.answer = lambda form: (200, {"access_token": "canary-token", "expires_in": 3600})
    connection = open_app()

    token, info = connection.get_token("a/.default"), connection.get_token_info("a/.default")

    assert "canary-token" == token.token == info.token
    assert "canary" not in repr(token) + repr(info)
