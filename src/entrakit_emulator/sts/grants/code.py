"""Authorization code grant (RFC 6749, 4.1.3) with PKCE (RFC 7636, 4.6)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from entrakit_emulator.sts import issue, people, proof, scopes
from entrakit_emulator.sts.errors import ServiceError
from entrakit_emulator.sts.jose import b64url

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.sts.model import App, Directory
    from entrakit_emulator.sts.tickets import AuthorizationCode, AuthorizeRequest


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for a code.

    Raises:
        ServiceError: The code is unknown (70000), used (54005), too old (70008), of another tenant (700005), app or
            redirect (500112), or the verifier does not fit (501481).
    """
    code = exchange.world.codes.get(exchange.need("code"))
    if code is None or code.request.app.client_id != app.client_id:
        raise ServiceError(70000)
    redirect = exchange.need("redirect_uri")
    how = proof_for(exchange, app, directory, code.request.platform)
    if code.is_used:
        exchange.violate("code_reused", "An authorization code is to be used once (RFC 6749, 4.1.2).")
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
    people.check_state(user, app)
    return issue.for_person(
        exchange, app, user, code.subject, asked,
        proof=how, platform=code.request.platform, request=code.request,
        claims_request=exchange.form.get("claims") or code.request.claims,
    )  # fmt: skip


def proof_for(exchange: Exchange, app: App, directory: Directory | None, platform: str) -> str:
    """Return how an app proved itself, as the platform of its redirect demands.

    Raises:
        ServiceError: A web app without proof (7000218), a public one with (700025), or a browser app whose request
            does not come from a browser (9002327).
    """
    if platform == "web":
        return proof.check(exchange, app, directory)
    if platform == "spa" and "origin" not in exchange.headers:
        raise ServiceError(9002327)
    if proof.is_offered(exchange):
        raise ServiceError(700025)
    return proof.NONE


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


def _asked(exchange: Exchange, app: App, code: AuthorizationCode) -> scopes.Scopes:
    """Return what the token shall be for: the scope of this request, or of the first."""
    text = exchange.form.get("scope")
    if text is None:
        return code.request.scopes
    asked = scopes.parse(exchange.world, text, app=app, tenant=exchange.tenant)
    if len(asked.asks) > 1:
        raise ServiceError(28000, scope=text)
    return asked
