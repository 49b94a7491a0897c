"""Resource owner password grant (RFC 6749, 4.3): a name and a password, without a second factor."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import Subject
from entrakit_emulator.sts import client_authentication, scopes, tenancy, token_response, users
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for a user.

    Raises:
        ServiceError: The path has no tenant (9001023), name or password is wrong, the account is blocked, a second
            factor is required (50076, with claims), or consent is missing (65001).
    """
    if exchange.tenant.lower() in ("common", *tenancy.CONSUMERS):
        raise ServiceError(9001023)
    how = client_authentication.check_unless_public(exchange, app, directory)
    name, given = need(exchange.form, "username"), need(exchange.form, "password")
    text = need(exchange.form, "scope")
    user = users.user_of(exchange, directory, name)
    asked = scopes.parse(exchange.world, text, app=app, tenant=exchange.tenant)
    users.check_password(user, given)
    users.check_state(user, app)
    if user.mfa_code:
        raise ServiceError(50076, claims=users.MFA_CLAIMS, resource=asked.first.resource)
    users.check_consent(exchange, app, user, asked)
    subject = Subject(user.object_id, user.tenant_id, exchange.now, ("pwd",), str(uuid.uuid4()))
    return token_response.for_person(
        exchange, app, user, subject, asked,
        acr=how, platform="public" if app.is_public else "web",
        claims_request=exchange.form.get("claims", ""),
    )  # fmt: skip
