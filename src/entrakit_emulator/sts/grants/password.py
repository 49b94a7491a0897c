"""Resource owner password grant (RFC 6749, 4.3): a name and a password, and no second step."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.sts import issue, people, proof, scopes, tenancy
from entrakit_emulator.sts.errors import ServiceError
from entrakit_emulator.sts.tickets import Subject

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.sts.model import App, Directory


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for a person.

    Raises:
        ServiceError: An address without tenant (9001023), a wrong name or password, an account that may not sign in,
            a second factor needed (50076, with claims), or no consent (65001).
    """
    if exchange.tenant.lower() in ("common", *tenancy.CONSUMERS):
        raise ServiceError(9001023)
    how = proof_of_public(exchange, app, directory)
    name, given = exchange.need("username"), exchange.need("password")
    text = exchange.need("scope")
    user = people.user_of(exchange, directory, name)
    asked = scopes.parse(exchange.world, text, app=app, tenant=exchange.tenant)
    people.check_password(user, given)
    people.check_state(user, app)
    if user.mfa_code:
        raise ServiceError(50076, claims=people.MFA_CLAIMS, resource=asked.first.resource)
    people.check_consent(exchange, app, user, asked)
    subject = Subject(user.object_id, user.tenant_id, exchange.now, ("pwd",), str(uuid.uuid4()))
    return issue.for_person(
        exchange, app, user, subject, asked,
        proof=how, platform="public" if app.is_public else "web", claims_request=exchange.form.get("claims", ""),
    )  # fmt: skip


def proof_of_public(exchange: Exchange, app: App, directory: Directory | None) -> str:
    """Return how an app proved itself where public clients need not, and confidential ones must.

    Raises:
        ServiceError: A public client offered a proof (700025), or a confidential one none (7000218).
    """
    if not app.is_public:
        return proof.check(exchange, app, directory)
    if proof.is_offered(exchange):
        raise ServiceError(700025)
    return proof.NONE
