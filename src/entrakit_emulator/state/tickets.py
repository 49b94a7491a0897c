"""Codes, refresh tokens, device sign-ins, browser sessions and issued tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.state.identities import App, Directory
    from entrakit_emulator.state.scopes import Scopes


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A checked authorization request.

    Args:
        directory: Tenant of the address; None for `common` and `organizations`.
        app: The app.
        redirect_uri: Redirect URI as the request spells it.
        platform: Platform of the registered redirect that matched.
        response_mode: `query`, `fragment` or `form_post`.
        state: Value to send back; None if the request has none.
        nonce: Nonce for the ID token; empty if there is none.
        scopes: Requested scopes.
        prompt: `login`, `none`, `consent`, `select_account` or empty.
        login_hint: Sign-in name to start with; empty if there is none.
        challenge: PKCE code challenge; empty if there is none.
        challenge_method: `S256` or `plain`.
        claims: Claims request, JSON text; empty if there is none.
        max_age_s: Maximum age of the sign-in in seconds; None for any age.
        wants_client_info: Whether the token response has to contain `client_info`.
    """

    directory: Directory | None
    app: App
    redirect_uri: str
    platform: str
    response_mode: str
    state: str | None
    nonce: str
    scopes: Scopes
    prompt: str
    login_hint: str
    challenge: str
    challenge_method: str
    claims: str
    max_age_s: int | None
    wants_client_info: bool


@dataclass(frozen=True, slots=True)
class AdminConsentRequest:
    """A checked request for the consent of an administrator.

    Args:
        directory: Tenant of the address; None for `common` and `organizations`.
        app: The app.
        redirect_uri: Redirect URI of the answer.
        state: Value to send back; None if the request has none.
        scopes: Permissions to grant.
        is_v2: Whether the request names the permissions; otherwise the app's registration does.
    """

    directory: Directory | None
    app: App
    redirect_uri: str
    state: str | None
    scopes: Scopes
    is_v2: bool


@dataclass(slots=True)
class AuthorizationCode:
    """A code that was sent to a redirect URI.

    Args:
        request: The authorization request.
        subject: The sign-in.
        expires_at: End of validity, in the tenant's time.
        is_used: Whether the code was redeemed.
    """

    request: AuthorizeRequest
    subject: Subject
    expires_at: float
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The sign-in of a user.

    Args:
        user_id: Object id of the user.
        tenant_id: Id of the tenant that tokens are for.
        at: The tenant's time of the sign-in.
        methods: Authentication methods: `pwd`, `mfa`.
        session_id: Id of the browser session, or a new GUID.
    """

    user_id: str
    tenant_id: str
    at: float
    methods: tuple[str, ...]
    session_id: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token.

    Args:
        client_id: App that it was issued to.
        subject: The sign-in.
        resource: Client id of the resource of the first token.
        scope: Requested scope; used if a refresh request names none.
        issued_at: The tenant's time of issue.
        platform: `public`, `web` or `spa`; a token for `web` is accepted only with the app's credential.
    """

    client_id: str
    subject: Subject
    resource: str
    scope: str
    issued_at: float
    platform: str


@dataclass(slots=True)
class DeviceSignIn:
    """A device that waits for a user.

    Args:
        client_id: Client id of the app.
        tenant: Tenant as written in the path.
        scopes: Requested scopes.
        user_code: Code that the user types.
        expires_at: End of validity, in the tenant's time.
        interval_s: Seconds between polls.
        claims: Claims request, JSON text; empty if there is none.
        polled_at: The tenant's time of the last poll; None before the first.
        state: `pending`, `approved`, `declined` or `redeemed`.
        subject: The sign-in that approved the device; None before.
    """

    client_id: str
    tenant: str
    scopes: Scopes
    user_code: str
    expires_at: float
    interval_s: float
    claims: str = ""
    polled_at: float | None = None
    state: str = "pending"
    subject: Subject | None = None


@dataclass(slots=True)
class Interaction:
    """A user at the sign-in pages: the purpose and the progress.

    Args:
        browser_id: The browser; no other browser can continue.
        purpose: An authorization request, a waiting device, or a request for an administrator's consent.
        user_name: Sign-in name that was typed or picked.
        user_id: Object id, after the correct password.
        methods: Authentication methods so far: `pwd`, `mfa`.
        subject: The complete sign-in: this one, or an earlier one of the same browser; None before.
        wants_other_account: Whether the user chose to sign in with an account that is not listed.
        is_confirmed: Whether the user confirmed the sign-in on the device.
        has_consented: Whether the user accepted the permissions.
    """

    browser_id: str
    purpose: AuthorizeRequest | DeviceSignIn | AdminConsentRequest
    user_name: str = ""
    user_id: str = ""
    methods: tuple[str, ...] = ()
    subject: Subject | None = None
    wants_other_account: bool = False
    is_confirmed: bool = False
    has_consented: bool = False


@dataclass(slots=True)
class Session:
    """The sign-ins of one browser.

    Args:
        subjects: Sign-ins by object id of the user.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An issued access token.

    Args:
        claims: Claims of the token.
        at: The tenant's time of issue.
        user_id: Object id of the user; empty for an app.
        subject: The sign-in of the user; None for an app.
    """

    claims: Mapping[str, object]
    at: float
    user_id: str
    subject: Subject | None = None


class HostToken(NamedTuple):
    """An access token of a managed identity, as its host keeps it.

    Args:
        access_token: The token.
        resource: The resource, as the request names it.
        issued_at: The tenant's time of issue, in seconds since 1970.
        expires_on: Time of expiry, in seconds since 1970.
    """

    access_token: str
    resource: str
    issued_at: int
    expires_on: int


def new_ticket(prefix: str) -> str:
    """Return an unguessable value with the length and alphabet of the service's codes and refresh tokens."""
    return f"{prefix}{secrets.token_urlsafe(192)}"
