"""Authorization code grant (RFC 6749, 4.1.3) with PKCE (RFC 7636, 4.6)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from entrakit_emulator.jose import b64url
from entrakit_emulator.sts import client_authentication, scopes, token_response, users
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory
    from entrakit_emulator.state.scopes import Scopes
    from entrakit_emulator.state.tickets import AuthorizationCode, AuthorizeRequest


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for a code.

    Raises:
        ServiceError: The code is unknown (70000), used (54005), expired (70008), of another tenant (700005), app or
            redirect URI (500112), or the verifier is wrong (501481).
    """
    code = exchange.world.codes.get(need(exchange.form, "code"))
    if code is None or code.request.app.client_id != app.client_id:
        raise ServiceError(70000)
    redirect = need(exchange.form, "redirect_uri")
    how = client_authentication.check_for_platform(exchange, app, directory, code.request.platform)
    if code.is_used:
        exchange.violate("code_reused", "An authorization code must be used only once (RFC 6749, 4.1.2).")
        raise ServiceError(54005)
    if code.expires_at <= exchange.now:
        raise ServiceError(70008)
    if directory is not None and code.subject.tenant_id != directory.tenant_id:
        raise ServiceError(700005)
    if redirect != code.request.redirect_uri:
        raise ServiceError(500112, redirect=redirect, registered=code.request.redirect_uri)
    _check_verifier(exchange, code.request)
    asked = _asked(exchange, app, code)
    code.is_used = True
    user = exchange.world.users[code.subject.user_id]
    users.check_state(user, app)
    return token_response.for_person(
        exchange, app, user, code.subject, asked,
        acr=how, platform=code.request.platform, request=code.request,
        claims_request=exchange.form.get("claims") or code.request.claims,
    )  # fmt: skip


def _check_verifier(exchange: Exchange, request: AuthorizeRequest) -> None:
    verifier = exchange.form.get("code_verifier", "")
    if not request.challenge:
        if verifier:
            raise ServiceError(501481)
        return
    hashed = b64url(hashlib.sha256(verifier.encode()).digest())
    computed = hashed if request.challenge_method == "S256" else verifier
    if not hmac.compare_digest(computed.encode(), request.challenge.encode()):
        raise ServiceError(501481)


def _asked(exchange: Exchange, app: App, code: AuthorizationCode) -> Scopes:
    """Return the scopes of the token: those of this request, or else of the authorization request."""
    text = exchange.form.get("scope")
    if text is None:
        return code.request.scopes
    return scopes.parse_for_one_resource(exchange.world, text, app=app, tenant=exchange.tenant)
