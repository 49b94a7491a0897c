"""What goes between the flows and the token service: requests that wait for an answer, and what was granted."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.tokens.jwt import JSON


class Grant(NamedTuple):
    """What the token service granted.

    Args:
        access_token: The access token.
        token_type: How to send it.
        asked_at: When the request was sent, in seconds since 1970.
        expires_in: Seconds that it lives from then.
        refresh_in: Seconds after which to get a new one early; None if the service did not say.
        scopes: What was granted; empty for an app.
        refresh_token: What renews it; empty if none came.
        id_claims: Claims of the ID token, undecided; empty if none came.
    """

    access_token: str
    token_type: str
    asked_at: float
    expires_in: float
    refresh_in: float | None
    scopes: tuple[str, ...]
    refresh_token: str
    id_claims: dict[str, JSON]


class CodeRequest(NamedTuple):
    """An authorization request that waits for its answer (RFC 6749, 4.1.1).

    Args:
        url: Where to send the person's browser.
        state: What the answer must carry.
        flow: MSAL's record of it, with the code verifier and the nonce.
    """

    url: str
    state: str
    flow: dict[str, object]

    def __repr__(self) -> str:
        return "CodeRequest(…)"


class DeviceRequest(NamedTuple):
    """A device authorization that waits for the person (RFC 8628, 3.2).

    Args:
        user_code: What to type.
        verification_uri: Where to type it.
        message: The service's own sentence about it.
        expires_in: Seconds until it ends.
        interval: Seconds between two polls.
        flow: MSAL's record of it, with the device code.
    """

    user_code: str
    verification_uri: str
    message: str
    expires_in: float
    interval: float
    flow: dict[str, object]

    def __repr__(self) -> str:
        return f"DeviceRequest(verification_uri={self.verification_uri!r})"
