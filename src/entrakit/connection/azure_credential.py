"""Tokens in the form of azure-core, for clients that take a connection as a credential.

If azure-core is installed, the tokens are instances of its classes, because msgraph-sdk checks the class. Otherwise
they have the same fields. Neither form shows the token in its `repr`. The only file that imports azure-core.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.core.credentials import AccessToken, AccessTokenInfo

    from entrakit.connection.token_cache import TokenCache
    from entrakit.tokens.request import TokenRequest
    from entrakit.tokens.token import Token


class _Plain(NamedTuple):
    """The fields of azure-core's classes, for use where it is not installed."""

    token: str
    expires_on: int
    token_type: str = "Bearer"
    refresh_on: int | None = None

    def __repr__(self) -> str:
        return f"AccessToken(token='…', expires_on={self.expires_on})"


def access_token(token: Token) -> AccessToken:
    """Return a token in the form of `TokenCredential.get_token`."""
    return _classes()[0](token.access_token, int(token.expires_at))


def access_token_info(token: Token) -> AccessTokenInfo:
    """Return a token in the form of `SupportsTokenInfo.get_token_info`."""
    refresh_on = None if token.refresh_at is None else int(token.refresh_at)
    return _classes()[1](token.access_token, int(token.expires_at), token_type=token.token_type, refresh_on=refresh_on)


def token_request(
    tokens: TokenCache, scopes: Sequence[str], *, claims: str | None, tenant_id: str | None, enable_cae: bool
) -> TokenRequest:
    """Return the checked request of an Azure client.

    Args:
        tokens: The token cache of the connection.
        scopes: Scopes of one resource.
        claims: Claims challenge, as JSON; None for none.
        tenant_id: The tenant, which must be that of the connection; None for any.
        enable_cae: Whether the client handles claims challenges.

    Raises:
        ParameterError: No scope was given, the tenant is another one, or the claims are invalid.
    """
    settings = tokens.record.settings
    known = {settings.tenant_id, settings.directory_id, settings.account.tenant_id}
    if tenant_id and tenant_id.lower() not in known:
        raise ParameterError(
            f"This connection is to the tenant {tokens.tenant_id}, but a token of {tenant_id} was requested.",
            remedy="Connect to that tenant too, and pass that connection.",
        )
    if not scopes:
        raise ParameterError("No scope was given.", remedy="Give one, such as https://vault.azure.net/.default.")
    request = tokens.request(scopes, claims=claims, cae=enable_cae or bool(claims))
    # The clients of Azure request `.default`: everything that was granted, and not a certain permission.
    return request._replace(is_for_client=request.scopes[0].endswith("/.default"))


@cache
def _classes() -> tuple[type[AccessToken], type[AccessTokenInfo]]:
    try:
        from azure.core import credentials
    except ImportError:
        return _Plain, _Plain  # type: ignore[return-value] # the same fields

    class Masked(credentials.AccessToken):
        __slots__ = ()

        def __repr__(self) -> str:
            return f"AccessToken(token='…', expires_on={self.expires_on})"

    class MaskedInfo(credentials.AccessTokenInfo):
        def __repr__(self) -> str:
            return f"AccessTokenInfo(token='…', expires_on={self.expires_on})"

    return Masked, MaskedInfo
