"""Refresh grant (RFC 6749, 6): each use issues a new token, and the old one stays valid, as at the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.sts import client_authentication, scopes, token_response, users
from entrakit_emulator.sts.errors import ServiceError, moment, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory
    from entrakit_emulator.state.scopes import Scopes
    from entrakit_emulator.state.tickets import RefreshToken

SPA_LIFETIME_S = 24 * 3600


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for a refresh token.

    Raises:
        ServiceError: The token is unknown (70000), of another app (70000, client_mismatch), revoked (50173) or expired
            (700082, 700084), the account is blocked, or the scope requires consent (65001) or a second factor (50076).
    """
    value = need(exchange.form, "refresh_token")
    old = exchange.world.refresh_tokens.get(value)
    if old is None:
        raise ServiceError(70000)
    if old.client_id != app.client_id and not _is_family(exchange, old, app):
        raise ServiceError(70000, suberror="client_mismatch")
    how = client_authentication.check_for_platform(exchange, app, directory, old.platform)
    _check_age(exchange, old)
    user = exchange.world.users[old.subject.user_id]
    users.check_state(user, app)
    asked = _asked(exchange, app, old)
    if user.mfa_code and "mfa" not in old.subject.methods:
        raise ServiceError(50076, error="interaction_required", claims=users.MFA_CLAIMS, resource=asked.first.resource)
    users.check_consent(exchange, app, user, asked)
    # Offline access was granted once, and applies to all following tokens.
    asked = asked._replace(oidc=asked.oidc | {"offline_access"})
    return token_response.for_person(
        exchange, app, user, old.subject, asked,
        acr=how, platform=old.platform, claims_request=exchange.form.get("claims", ""),
        old_refresh_token=value,
    )  # fmt: skip


def _is_family(exchange: Exchange, old: RefreshToken, app: App) -> bool:
    return app.is_family and exchange.world.apps[old.client_id].is_family


def _check_age(exchange: Exchange, old: RefreshToken) -> None:
    valid_from = exchange.world.valid_from.get(old.subject.user_id)
    if valid_from is not None and old.subject.at <= valid_from:
        raise ServiceError(50173, issued=moment(old.issued_at), valid_from=moment(valid_from))
    if old.platform == "spa" and old.issued_at + SPA_LIFETIME_S <= exchange.now:
        raise ServiceError(700084, issued=moment(old.issued_at))
    if old.issued_at + exchange.world.settings.refresh_lifetime_s <= exchange.now:
        raise ServiceError(700082, issued=moment(old.issued_at))


def _asked(exchange: Exchange, app: App, old: RefreshToken) -> Scopes:
    text = exchange.form.get("scope", old.scope)
    return scopes.parse_for_one_resource(exchange.world, text, app=app, tenant=exchange.tenant)
