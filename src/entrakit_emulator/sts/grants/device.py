"""Device code grant (RFC 8628, 3.4 and 3.5): a device polls until its user has signed in."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import Subject
from entrakit_emulator.sts import client_authentication, consent, token_response, users
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory
    from entrakit_emulator.state.tickets import DeviceSignIn

SLOW_DOWN_S = 5
# A poll may come this early, because requests take different times.
TOLERANCE_S = 0.5


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens after the user approved.

    Raises:
        ServiceError: `authorization_pending`, `slow_down`, `authorization_declined`, `expired_token`, or
            `bad_verification_code` for an unknown code.
    """
    how = client_authentication.check_unless_public(exchange, app, directory)
    device = exchange.world.devices.get(need(exchange.form, "device_code"))
    if device is None or device.client_id != app.client_id:
        raise ServiceError(70018)
    is_early = _is_early(exchange, device)
    is_ordered = _obey(exchange, device, app)
    if device.expires_at <= exchange.now:
        raise ServiceError(70020)
    if is_early and not is_ordered:
        device.interval_s += SLOW_DOWN_S
        raise ServiceError(70016, error="slow_down")
    if device.state == "declined":
        raise ServiceError(65004, error="authorization_declined")
    if device.state == "redeemed":
        exchange.violate("code_reused", "A device code must be used only once.")
        raise ServiceError(54005)
    if device.subject is None:
        raise ServiceError(70016)
    user = exchange.world.users[device.subject.user_id]
    if directory is not None and user.tenant_id != directory.tenant_id:
        raise ServiceError(700005)
    users.check_state(user, app)
    device.state = "redeemed"
    return token_response.for_person(
        exchange, app, user, device.subject, device.scopes,
        acr=how, platform="public" if app.is_public else "web", claims_request=device.claims,
    )  # fmt: skip


def _is_early(exchange: Exchange, device: DeviceSignIn) -> bool:
    """Return whether a poll came early, and record it (RFC 8628, 3.5)."""
    due = exchange.now if device.polled_at is None else device.polled_at + device.interval_s
    device.polled_at = exchange.now
    if exchange.now >= due - TOLERANCE_S:
        return False
    exchange.violate("polling_too_fast", f"The poll came {due - exchange.now:.1f} s too early (RFC 8628, 3.5).")
    return True


def _obey(exchange: Exchange, device: DeviceSignIn, app: App) -> bool:
    """Apply the answer that `faults.next_polls` chose, and return whether there is one."""
    order = exchange.world.faults.take_poll()
    if order == "pending":
        raise ServiceError(70016)
    if order == "slow_down":
        device.interval_s += SLOW_DOWN_S
        raise ServiceError(70016, error="slow_down")
    if order == "approve":
        user = next(iter(exchange.world.users.values()))
        device.state = "approved"
        device.subject = Subject(user.object_id, user.tenant_id, exchange.now, ("pwd",), str(uuid.uuid4()))
        consent.grant(exchange.world, user.object_id, app, device.scopes)
    elif order == "decline":
        device.state = "declined"
    elif order == "expire":
        device.expires_at = exchange.now
    return bool(order)
