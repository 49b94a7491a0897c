"""What the service hands out and remembers: codes, refresh tokens, device sign-ins, browser sessions, issued tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.state.identities import App, Directory
    from entrakit_emulator.state.scopes import Scopes


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A checked authorization request.

    Args:
        directory: Tenant of the address; None for `common` and `organizations`.
        app: Who asks.
        redirect_uri: Where the answer goes, as the request has it.
        platform: Platform of the registered redirect that matched.
        response_mode: `query`, `fragment` or `form_post`.
        state: To be returned; None where there was none.
        nonce: For the ID token; empty for none.
        scopes: What is asked for.
        prompt: `login`, `none`, `consent`, `select_account` or empty.
        login_hint: Sign-in name to begin with; empty for none.
        challenge: PKCE code challenge; empty for none.
        challenge_method: `S256` or `plain`.
        claims: The claims request, JSON text; empty for none.
        max_age_s: How old a sign-in may be, in seconds; None for any age.
        wants_client_info: True where the answer shall carry `client_info`.
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


@dataclass(slots=True)
class AuthorizationCode:
    """A code that was sent to a redirect URI.

    Args:
        request: What was asked.
        subject: Who signed in.
        expires_at: The tenant's time after which it is dead.
        is_used: True once redeemed.
    """

    request: AuthorizeRequest
    subject: Subject
    expires_at: float
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A person who signed in, and how.

    Args:
        user_id: Object id.
        tenant_id: Tenant that tokens are for.
        at: The tenant's time of the sign-in.
        methods: What was shown: `pwd`, `mfa`.
        session_id: The browser session, or a GUID of its own.
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
        subject: For whom.
        resource: Client id of the resource that the first token was for.
        scope: The scope that was asked for, taken where a refresh names none.
        issued_at: The tenant's time of issue.
        platform: `public`, `web` or `spa`; a `web` one is only taken with the app's proof.
    """

    client_id: str
    subject: Subject
    resource: str
    scope: str
    issued_at: float
    platform: str


@dataclass(slots=True)
class DeviceSignIn:
    """A device that waits for a person.

    Args:
        client_id: Who asks.
        tenant: Tenant of the address, as written there.
        scopes: What is asked for.
        user_code: What the person types.
        expires_at: The tenant's time after which it is dead.
        interval_s: Seconds between polls.
        claims: The claims request, JSON text; empty for none.
        polled_at: The tenant's time of the last poll; None before the first.
        state: `pending`, `approved`, `declined` or `redeemed`.
        subject: Who approved.
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
    """A person at a sign-in page: what they came for, and how far they are.

    Args:
        browser_id: The browser it began in; no other may go on with it.
        purpose: An authorization request, or a device that waits.
        user_name: Sign-in name typed or picked.
        user_id: Object id, once the password was right.
        methods: What was shown: `pwd`, `mfa`.
        subject: The sign-in, once it is complete; an earlier one of the same browser, or the one made here.
        wants_other_account: True once the person said that they are none of the people signed in.
        is_confirmed: True once the person agreed to sign in on the device.
        has_consented: True once the person accepted the permissions.
    """

    browser_id: str
    purpose: AuthorizeRequest | DeviceSignIn
    user_name: str = ""
    user_id: str = ""
    methods: tuple[str, ...] = ()
    subject: Subject | None = None
    wants_other_account: bool = False
    is_confirmed: bool = False
    has_consented: bool = False


@dataclass(slots=True)
class Session:
    """A browser in which people signed in.

    Args:
        subjects: Who, by object id.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token that was handed out.

    Args:
        claims: What it says.
        at: The tenant's time of issue.
        user_id: For whom; empty for an app.
    """

    claims: Mapping[str, object]
    at: float
    user_id: str


def new_ticket(prefix: str) -> str:
    """Return a value that nobody can guess, of the length and alphabet of the service's codes and refresh tokens."""
    return f"{prefix}{secrets.token_urlsafe(192)}"
