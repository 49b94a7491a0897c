"""Device authorization grant (RFC 8628): sign in on another device.

    begin   ask for a code         POST /devicecode
    show    give it to the user    on_device_code(DeviceCode)
    wait    poll until answered    POST /token

The service sets the polling interval; each `slow_down` makes it five seconds longer. A lost answer, a 5xx or a 429
counts as "not yet": the user may be typing, and must not start over because a packet was dropped.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from entrakit.errors import NetworkError, SignInError, ThrottledError, UnexpectedAnswerError
from entrakit.http.address import Origin
from entrakit.shown_text import one_line
from entrakit.sign_in.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import DeviceRequest, Grant

SLOW_DOWN_S = 5.0
LONGEST_WAIT_S = 60.0

log = logging.getLogger("entrakit.devicecode")


class DeviceCode(NamedTuple):
    """Instructions for the user; `str()` of it is a sentence to show.

    Args:
        user_code: Code to type, exactly as the service gave it.
        verification_uri: Page to type it on, exactly as the service gave it.
        expires_in_s: Seconds left to do so.
        message: Sentence of the service for the user, made safe to print.
    """

    user_code: str
    verification_uri: str
    expires_in_s: float
    message: str

    def __str__(self) -> str:
        minutes = max(1, round(self.expires_in_s / 60))
        return (
            f"To sign in, open {self.verification_uri} in a browser and enter the code {self.user_code}. "
            f"You have {minutes} minute{'s' if minutes != 1 else ''}. "
            "Never enter a code that somebody else gave you."
        )


class OtherDevice(Flow):
    """A user who signs in on another device, with a code.

    Args:
        on_device_code: Shows the code to the user; None logs it as a warning.
    """

    __slots__ = ("on_device_code",)

    name = "devicecode"
    is_silent = False
    not_renewed = "The token service gave no refresh token."
    on_device_code: Callable[[DeviceCode], None] | None

    def __init__(self, on_device_code: Callable[[DeviceCode], None] | None = None) -> None:
        object.__setattr__(self, "on_device_code", on_device_code)

    def __repr__(self) -> str:
        return "OtherDevice()"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value with the parameter `on_device_code`."""
        return cls(given.get("on_device_code"))

    def sign_in(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        scopes: Sequence[str],
        *,
        claims: str = "",
        timeout_s: float | None = None,
    ) -> Grant:
        """Show a code, and wait until it was entered."""
        return sign_in(
            authority, client_id, transport, scopes, on_device_code=self.on_device_code, timeout_s=timeout_s,
            claims=claims,
        )  # fmt: skip

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the switch `device_code`."""
        del settings
        return {"device_code": True}


FLOW = OtherDevice


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    on_device_code: Callable[[DeviceCode], None] | None = None,
    timeout_s: float | None = None,
    claims: str = "",
) -> Grant:
    """Return a token on behalf of the user, once they have entered the code.

    Args:
        authority: Any authority.
        client_id: An app that allows public client flows.
        transport: Transport that sends the requests; its clock measures the waiting.
        scopes: Delegated scopes of one resource.
        on_device_code: Shows the code; None logs it as a warning on `entrakit.devicecode`.
        timeout_s: Maximum seconds to wait; None for the lifetime of the code.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The user declined (`authorization_declined`), nobody entered the code in time (`expired_token`),
            the authority offers no device code, or the service refused for another reason.
        NetworkError: The service gave no code.
    """
    if not json.loads(authority.document).get("device_authorization_endpoint"):
        raise SignInError(
            f"The authority {authority.address} offers no device code.",
            remedy="Sign in with a browser, or check the cloud that you named.",
            error="unsupported_grant_type",
        )
    from entrakit.sign_in._msal import TokenService

    service = TokenService(authority, client_id, transport, flow="devicecode")
    request = service.request_device_code(scopes, claims=claims)
    _refuse_unprintable(request)
    lifetime = min(request.expires_in, timeout_s or request.expires_in)
    deadline = transport.clock.monotonic() + lifetime
    show = on_device_code or _log_code
    show(DeviceCode(request.user_code, request.verification_uri, lifetime, one_line(request.message)))
    return _poll(service, request, deadline, claims)


def _poll(service: TokenService, request: DeviceRequest, deadline: float, claims: str) -> Grant:
    clock = service.transport.clock
    interval = request.interval
    wait = interval
    while (left := deadline - clock.monotonic()) > 0:
        clock.sleep(min(wait, left))
        if wait > left:
            break
        try:
            return service.poll_device_code(request, claims=claims)
        except ThrottledError as error:
            wait = min(LONGEST_WAIT_S, max(wait * 2, error.retry_after_s or 0.0))
        except NetworkError as error:
            if not error.retryable:
                raise
            log.info("An answer was lost while waiting; polling continues: %s", error.problem)
            wait = min(LONGEST_WAIT_S, wait * 2)
        except SignInError as error:
            if error.error == "slow_down":
                interval += SLOW_DOWN_S
            elif error.error != "authorization_pending" and not error.retryable:
                raise
            wait = interval
    raise SignInError(
        "Nobody entered the code in time.",
        remedy="Connect again, and enter the new code before it expires.",
        error="expired_token",
    )


def _refuse_unprintable(request: DeviceRequest) -> None:
    """Raise UnexpectedAnswerError for a code or an address that could control the terminal or mislead the user."""
    address = request.verification_uri
    shown = request.user_code + address
    if not shown.isprintable() or not shown.isascii() or " " in shown or Origin.of(address) is None:
        raise UnexpectedAnswerError(
            "The token service sent a code or an address that is not safe to show.",
            remedy="Do not continue; check the cloud that you named, and the network.",
            retryable=False,
        )


def _log_code(code: DeviceCode) -> None:
    log.warning("%s", code)
