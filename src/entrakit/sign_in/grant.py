"""Values between the flows and the token service: pending requests, and the granted tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import NoReturn

    from entrakit.tokens.jwt import JSON
    from entrakit.tokens.token import Account


class Grant(NamedTuple):
    """Tokens that the token service granted.

    Args:
        access_token: The access token.
        token_type: Its type, `Bearer`.
        asked_at: Time at which the request was sent, in seconds since 1970.
        expires_in: Lifetime in seconds, counted from then.
        refresh_in: Seconds after which to renew early; None if the service did not say.
        scopes: Granted scopes; empty for an app.
        refresh_token: The refresh token; empty if none came.
        id_claims: Claims of the ID token, not yet checked; empty if none came.
        account: Account, if it is known without an ID token.
        client_id: The app, if the grant tells it; empty otherwise.
    """

    access_token: str
    token_type: str
    asked_at: float
    expires_in: float
    refresh_in: float | None
    scopes: tuple[str, ...]
    refresh_token: str
    id_claims: dict[str, JSON]
    account: Account | None = None
    client_id: str = ""

    def __repr__(self) -> str:
        return f"Grant(expires_in={self.expires_in!r}, scopes={self.scopes!r}, …)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Grant can't be pickled: it would leave memory unencrypted")


class CodeRequest(NamedTuple):
    """A pending authorization request (RFC 6749, 4.1.1).

    Args:
        url: Address to open in the user's browser.
        state: Value that the answer must carry.
        flow: MSAL's record of the request, with the code verifier and the nonce.
        scopes: The scopes that it asks for.
    """

    url: str
    state: str
    flow: dict[str, object]
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "CodeRequest(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a CodeRequest can't be pickled: it would leave memory unencrypted")


class DeviceRequest(NamedTuple):
    """A pending device authorization (RFC 8628, 3.2).

    Args:
        user_code: Code to type.
        verification_uri: Page to type it on.
        message: Sentence of the service for the user.
        expires_in: Seconds until the code expires.
        interval: Seconds between two polls.
        flow: MSAL's record of the request, with the device code.
    """

    user_code: str
    verification_uri: str
    message: str
    expires_in: float
    interval: float
    flow: dict[str, object]

    def __repr__(self) -> str:
        return f"DeviceRequest(verification_uri={self.verification_uri!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DeviceRequest can't be pickled: it would leave memory unencrypted")
