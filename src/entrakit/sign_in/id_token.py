"""Whose sign-in it was (OpenID Connect Core 1.0, 3.1.3.7).

MSAL decodes the ID token and checks its nonce; audience, tenant and issuer are checked here, before anybody is told
that the sign-in worked and before anything is kept. The signature need not be: the token came straight from the
token endpoint over TLS.
"""

from __future__ import annotations

from entrakit.errors import SignInError
from entrakit.shown_text import one_line
from entrakit.tokens.token import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant

CONSUMERS_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def account_of(grant: Grant, authority: Authority, client_id: str) -> Account:
    """Return who signed in; an empty account where the service sent no ID token.

    Args:
        grant: What the token service granted.
        authority: The authority that was asked.
        client_id: The app that asked.

    Raises:
        SignInError: The ID token is for another app, from another tenant or from another issuer than was asked.
    """
    claims = grant.id_claims
    if not claims:
        return Account()
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _refused("it was made for another app")
    tenant = str(claims.get("tid") or "").lower()
    expected = CONSUMERS_TENANT if authority.tenant_id == "consumers" else authority.directory_id
    if expected and tenant != expected:
        raise _refused(f"it is of the tenant {tenant or 'unknown'}, and {expected} was asked")
    if claims.get("iss") != authority.issuer.replace("{tenantid}", tenant):
        raise _refused("it comes from another issuer")
    return Account(
        username=_text(claims.get("preferred_username") or claims.get("upn") or claims.get("email")),
        name=_text(claims.get("name")),
        object_id=_text(claims.get("oid")),
        tenant_id=tenant,
    )


def _text(value: object) -> str:
    """Return a claim as text that is safe to print."""
    return one_line(value, 256) if isinstance(value, str) else ""


def _refused(reason: str) -> SignInError:
    return SignInError(
        f"The ID token does not belong to this sign-in: {reason}.",
        remedy="Check the client id, the tenant and the cloud, then start again; nothing was kept.",
        error="invalid_id_token",
    )
