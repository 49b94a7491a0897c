"""Tokens for azure-core: of its classes where it is installed, alike where it is not, masked in both."""

from __future__ import annotations

import subprocess
import sys

from azure.core.credentials import AccessToken, AccessTokenInfo

from entrakit.connection.azure_credential import access_token, access_token_info
from entrakit.tokens.token import Token

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
    The same fields, and the same mask, where azure-core is not installed.
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
