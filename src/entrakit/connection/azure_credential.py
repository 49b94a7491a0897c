"""Tokens in the shape of azure-core, for clients that take a connection as a credential.

Where azure-core is installed they are of its own classes, because msgraph-sdk looks at the class; elsewhere they have
the same fields. Either way their `repr` does not show the token. The only file that imports azure-core.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from entrakit.connection import Connection
    from entrakit.tokens.token import Token


class _Plain(NamedTuple):
    """What azure-core's classes have, for where it is not installed."""

    token: str
    expires_on: int
    token_type: str = "Bearer"
    refresh_on: int | None = None

    def __repr__(self) -> str:
        return f"AccessToken(token='…', expires_on={self.expires_on})"


def access_token(token: Token) -> AccessToken:
    """Return a token as `TokenCredential.get_token` gives it."""
    return _classes()[0](token.access_token, int(token.expires_at))


def access_token_info(token: Token) -> AccessTokenInfo:
    """Return a token as `SupportsTokenInfo.get_token_info` gives it."""
    refresh_on = None if token.refresh_at is None else int(token.refresh_at)
    return _classes()[1](token.access_token, int(token.expires_at), token_type=token.token_type, refresh_on=refresh_on)


def check_asked(connection: Connection, scopes: tuple[str, ...], tenant_id: str | None) -> None:
    """Check what an Azure client asks a connection for.

    Raises:
        ParameterError: Nothing, or a token of another tenant.
    """
    settings = connection.settings
    known = {settings.tenant_id, settings.directory_id, settings.account.tenant_id}
    if tenant_id and tenant_id.lower() not in known:
        raise ParameterError(
            f"This connection is to the tenant {connection.tenant_id}, and a token of {tenant_id} was asked.",
            remedy="Connect to that tenant as well, and hand in that connection.",
        )
    if not scopes:
        raise ParameterError("No scope was asked for.", remedy="Name one, such as https://vault.azure.net/.default.")


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
