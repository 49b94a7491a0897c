"""The page for the code that a device shows: /devicelogin (RFC 8628, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import Interaction
from entrakit_emulator.sts import browser, pages, sign_in
from entrakit_emulator.sts.errors import ServiceError, note

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.tickets import DeviceSignIn

WORDS = {
    70018: "That code didn't work. Check the code and type it again.",
    70019: "That code has expired. Start the sign-in on your device again.",
    90119: "Type the code that your device shows.",
    90120: "That code was used already. Start the sign-in on your device again.",
}
FLOW = "devicelogin"


def device_login(exchange: Exchange) -> Response:
    """Show the page, or check the code and continue with the sign-in."""
    if exchange.method != "POST":
        return _ask(exchange, exchange.query.get("otc", ""), "")
    sign_in.check_form(exchange, FLOW)
    typed = exchange.form.get("otc", "")
    if exchange.form.get("action") == "cancel":
        body = pages.heading("Device sign-in", "Sign-in cancelled", "Nothing was signed in. You can close this window.")
        return pages.respond("Cancelled", body)
    try:
        device = _find(exchange, typed)
    except ServiceError as error:
        note(exchange, error)
        return _ask(exchange, typed, WORDS[error.code])
    return sign_in.start(exchange, Interaction(browser.browser_id(exchange), device))


def _find(exchange: Exchange, typed: str) -> DeviceSignIn:
    """Return the device of a user code.

    Raises:
        ServiceError: The code is missing (90119), wrong (70018), too old (70019), or used (90120).
    """
    # RFC 8628, 6.1: case, blanks and dashes do not matter.
    user_code = "".join(letter for letter in typed.upper() if letter.isalnum())
    if not user_code:
        raise ServiceError(90119)
    for device in exchange.world.devices.values():
        if device.user_code == user_code:
            if device.expires_at <= exchange.now:
                raise ServiceError(70019)
            if device.state != "pending":
                raise ServiceError(90120)
            return device
    raise ServiceError(70018)


def _ask(exchange: Exchange, typed: str, message: str) -> Response:
    name = browser.browser_id(exchange) or browser.new_browser_id()
    content = (
        pages.field("otc", "Code", autocomplete="one-time-code", value=typed, style="code")
        + pages.wrong(message)
        + pages.buttons("Next")
    )
    lead = "Type the code that the app on your device shows. Never type a code that somebody sent you."
    body = pages.heading("Device sign-in", "Enter code", lead) + pages.form(
        "/devicelogin", {"flow": FLOW, "csrf": browser.csrf_token(FLOW, name)}, content
    )
    response = pages.respond("Enter code", body)
    browser.name_browser(exchange, response, name)
    return response
