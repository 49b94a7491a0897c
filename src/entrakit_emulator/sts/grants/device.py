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
        ServiceError: `authorization_pending`, `authorization_declined`, `expired_token`, or `bad_verification_code` for
            an unknown code. `slow_down` is returned only if `faults.next_polls` demands it.
    """
    how = client_authentication.check_unless_public(exchange, app, directory)
    device = exchange.world.devices.get(need(exchange.form, "device_code"))
    if device is None or device.client_id != app.client_id:
        raise ServiceError(70018)
    _note_early_poll(exchange, device)
    _obey(exchange, device, app)
    if device.expires_at <= exchange.now:
        raise ServiceError(70020)
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


def _note_early_poll(exchange: Exchange, device: DeviceSignIn) -> None:
    """Record a poll that came early (RFC 8628, 3.5).

    The service answers it like any other, and MSAL Go polls several times in the first second.
    """
    due = exchange.now if device.polled_at is None else device.polled_at + device.interval_s
    device.polled_at = exchange.now
    if exchange.now < due - TOLERANCE_S:
        exchange.violate("polling_too_fast", f"The poll came {due - exchange.now:.1f} s too early (RFC 8628, 3.5).")


def _obey(exchange: Exchange, device: DeviceSignIn, app: App) -> None:
    """Apply the answer that `faults.next_polls` chose, if there is one."""
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
