"""The account of an ID token (OpenID Connect Core 1.0, 3.1.3.7).

MSAL decodes the ID token and checks its nonce. Audience, tenant and issuer are checked here, before the user reads that
the sign-in worked and before anything is saved. The signature need not be checked: the token came directly from the
token endpoint, over TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import SignInError
from entrakit.shown_text import one_line
from entrakit.tokens.token import Account

if TYPE_CHECKING:
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant

CONSUMERS_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def account_of(grant: Grant, authority: Authority, client_id: str) -> Account:
    """Return the account that signed in; an empty one if the service sent no ID token.

    Args:
        grant: The granted tokens.
        authority: The authority that granted them.
        client_id: The app that requested them.

    Raises:
        SignInError: The ID token is for another app, or from another tenant or issuer than expected.
    """
    claims = grant.id_claims
    if not claims:
        return Account()
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _refused("it is for another app")
    tenant = str(claims.get("tid") or "").lower()
    expected = CONSUMERS_TENANT if authority.tenant_id == "consumers" else authority.directory_id
    if expected and tenant != expected:
        raise _refused(f"it is from the tenant {tenant or 'unknown'}, not from {expected}")
    if claims.get("iss") != authority.issuer.replace("{tenantid}", tenant):
        raise _refused("it is from another issuer")
    return Account(
        username=_text(claims.get("preferred_username") or claims.get("upn") or claims.get("email")),
        name=_text(claims.get("name")),
        object_id=_text(claims.get("oid")),
        tenant_id=tenant,
    )


def _text(value: object) -> str:
    """Return a claim as a string that is safe to print."""
    return one_line(value, 256) if isinstance(value, str) else ""


def _refused(reason: str) -> SignInError:
    return SignInError(
        f"The ID token does not belong to this sign-in: {reason}.",
        remedy="Check the client id, the tenant and the cloud, then start again. Nothing was saved.",
        error="invalid_id_token",
    )
