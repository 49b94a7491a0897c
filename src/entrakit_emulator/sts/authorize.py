"""The authorize endpoint: GET or POST /{tenant}/oauth2/v2.0/authorize (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2).

trust     client id, redirect URI     if wrong: a page, never a redirect (RFC 6749, 4.1.2.1)
check     all other parameters        if wrong: a redirect with the error
sign in   the pages                   or none, if the browser has a session
answer    a code                      by query, fragment or form_post
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import AuthorizeRequest
from entrakit_emulator.sts import claims, delivery, redirects, scopes, sign_in, tenancy
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange, Parameters
    from entrakit_emulator.state.identities import App, Directory

MODES = ("query", "fragment", "form_post")
PROMPTS = ("", "login", "none", "consent", "select_account")
# Response types of implicit and hybrid flows; no app here has them enabled.
NOT_ENABLED = {"id_token", "token"}


def authorize(exchange: Exchange) -> Response:
    """Start a sign-in, or answer at once if no page is needed.

    Raises:
        ServiceError: The client or the redirect URI is not trusted; the error is shown on a page.
    """
    given = exchange.form if exchange.method == "POST" else exchange.query
    directory = tenancy.directory_of(exchange)
    tenancy.served(directory)
    app = tenancy.app_of(exchange, directory, need(given, "client_id"))
    redirect = redirects.registered(app, given.get("redirect_uri", ""))
    uri = given.get("redirect_uri", redirect.uri)
    mode = given.get("response_mode", "query")
    try:
        request = _checked(exchange, given, directory, app=app, uri=uri, platform=redirect.platform)
    except ServiceError as error:
        return delivery.refuse(exchange, uri, mode if mode in MODES else "query", given.get("state"), error)
    return sign_in.begin(exchange, request)


def _checked(
    exchange: Exchange, given: Parameters, directory: Directory | None, *, app: App, uri: str, platform: str
) -> AuthorizeRequest:
    """Return the request after all checks."""
    if given.repeated:
        raise ServiceError(9002313)
    response_type, scope = need(given, "response_type"), need(given, "scope")
    if set(response_type.split()) & NOT_ENABLED:
        raise ServiceError(700054, type=response_type)
    if response_type != "code":
        raise ServiceError(70005)
    if given.get("response_mode", "query") not in MODES or given.get("prompt", "") not in PROMPTS:
        raise ServiceError(9002313)
    max_age = given.get("max_age")
    if max_age is not None and not max_age.isdecimal():
        raise ServiceError(9002313)
    claims.requested(given.get("claims", ""))
    _check_challenge(exchange, given)
    if "state" not in given:
        exchange.violate("state_missing", "Without state, a client can't detect a forged answer (RFC 6749, 10.12).")
    return AuthorizeRequest(
        directory=directory,
        app=app,
        redirect_uri=uri,
        platform=platform,
        response_mode=given.get("response_mode", "query"),
        state=given.get("state"),
        nonce=given.get("nonce", ""),
        scopes=scopes.parse(exchange.world, scope, app=app, tenant=exchange.tenant),
        prompt=given.get("prompt", ""),
        login_hint=given.get("login_hint", ""),
        challenge=given.get("code_challenge", ""),
        challenge_method=given.get("code_challenge_method", "plain"),
        claims=given.get("claims", ""),
        max_age_s=None if max_age is None else int(max_age),
        wants_client_info=given.get("client_info") == "1",
    )


def _check_challenge(exchange: Exchange, given: Parameters) -> None:
    challenge, method = given.get("code_challenge", ""), given.get("code_challenge_method", "plain")
    if not challenge:
        exchange.violate("pkce_missing", "A code without PKCE can be stolen (RFC 9700, 2.1.1).")
        return
    # RFC 7636, 4.2: 43 to 128 characters.
    if not 43 <= len(challenge) <= 128:
        raise ServiceError(501491)
    if method not in ("S256", "plain"):
        raise ServiceError(9002313)
    if method == "plain":
        exchange.violate("pkce_plain", "A plain challenge does not protect against a reader of the request.")
