"""The user of a request, and the checks before a sign-in."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

from entrakit_emulator.sts import consent
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory, User
    from entrakit_emulator.state.scopes import Scopes

# A claims challenge in the form of the service; it names the conditional access policy that requires more.
MFA_CLAIMS = json.dumps(
    {"access_token": {"capolids": {"essential": True, "values": ["fc54d51a-6b76-4910-a012-191960ec77c7"]}}}
)


def user_of(exchange: Exchange, directory: Directory | None, name: str) -> User:
    """Return the user with a sign-in name.

    Raises:
        ServiceError: The tenant has no user with that name (50034).
    """
    user = exchange.world.find_user(name)
    if user is None or (directory is not None and user.tenant_id != directory.tenant_id):
        raise ServiceError(50034, user=name, tenant=directory.name if directory else exchange.tenant)
    return user


def check_state(user: User, app: App) -> None:
    """Check that a user is allowed to sign in to an app.

    Raises:
        ServiceError: The account is disabled (50057), locked (50053), blocked by policy (53003) or not assigned
            (50105).
    """
    if not user.is_enabled:
        raise ServiceError(50057)
    if user.is_locked:
        raise ServiceError(50053)
    if user.is_blocked:
        raise ServiceError(53003)
    if app.needs_assignment and user.object_id not in app.assigned:
        raise ServiceError(50105, app=app.client_id, name=app.name, user=user.upn)


def check_password(user: User, given: str) -> None:
    """Check a password.

    Raises:
        ServiceError: The password is wrong (50126), the account has none (50056), or the password must be changed
            (50055).
    """
    if not user.password:
        raise ServiceError(50056)
    if not hmac.compare_digest(user.password.encode(), given.encode()):
        raise ServiceError(50126)
    if user.is_password_expired:
        raise ServiceError(50055)


def check_consent(exchange: Exchange, app: App, user: User, asked: Scopes) -> None:
    """Check that all requested permissions are granted.

    Raises:
        ServiceError: A permission is not granted (65001).
    """
    nothing = consent.is_first_visit(exchange.world, user.object_id, app, asked)
    if nothing or consent.missing(exchange.world, user.object_id, app, asked):
        raise ServiceError(65001, app=app.client_id, name=app.name)
