"""The device authorization endpoint: POST /{tenant}/oauth2/v2.0/devicecode (RFC 8628, 3.1 and 3.2)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import DeviceSignIn, new_ticket
from entrakit_emulator.sts import claims, client_authentication, scopes, tenancy
from entrakit_emulator.sts.errors import need
from entrakit_emulator.sts.token import check_post

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange

# No letters or digits that are easily confused.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def devicecode(exchange: Exchange) -> Response:
    """Issue a device code and a user code.

    Raises:
        ServiceError: The request is refused.
    """
    check_post(exchange)
    directory = tenancy.directory_of(exchange)
    tenancy.served(directory)
    app = tenancy.app_of(exchange, directory, client_authentication.client_id_of(exchange))
    text = need(exchange.form, "scope")
    asked = scopes.parse_for_one_resource(exchange.world, text, app=app, tenant=exchange.tenant)
    claims_request = exchange.form.get("claims", "")
    claims.requested(claims_request)
    settings = exchange.world.settings
    user_code = "".join(secrets.choice(ALPHABET) for _ in range(9))
    device_code = new_ticket("DAQ")
    exchange.world.devices[device_code] = DeviceSignIn(
        client_id=app.client_id,
        tenant=exchange.tenant,
        scopes=asked,
        user_code=user_code,
        expires_at=exchange.now + settings.device_lifetime_s,
        interval_s=settings.device_interval_s,
        claims=claims_request,
    )
    page = f"{exchange.world.origin}/devicelogin"
    return exchange.json(
        {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": settings.device_lifetime_s,
            "interval": settings.device_interval_s,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
            "authenticate.",
        }
    )
