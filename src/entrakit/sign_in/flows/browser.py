"""Authorization code grant with PKCE in the system's browser (RFC 6749, 4.1; RFC 7636; RFC 8252).

    app                     browser                  token service
     │ listen on loopback      │                          │
     │ open the address ──────▶│ GET /authorize ─────────▶│
     │                         │   sign in, consent       │
     │◀── code and state ──────┤◀── form that posts ──────┤
     │ check the state                                    │
     │ code, verifier ───────────────────────────────────▶│  POST /token
     │◀────────────────────────────────── tokens ─────────┤
     │ show how it ended ─────▶│

The person's page is written last, when it is known how the sign-in ended. Where no browser can reach this machine,
the person pastes the address that their browser ended at.
"""

from __future__ import annotations

import logging
import os
from typing import NamedTuple

from entrakit.errors import EntraError, ParameterError, SignInError
from entrakit.sign_in._msal import TokenService

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import CodeRequest, Grant
    from entrakit.tokens.token import Account

PROMPTS = ("login", "none", "consent", "select_account")
PASTE_REDIRECT_URI = "http://localhost"

log = logging.getLogger("entrakit.sign_in.system_browser")


class BrowserOptions(NamedTuple):
    """How to walk the browser leg.

    Args:
        port: Port to listen on, 0 for any that is free.
        login_hint: User name to fill in.
        domain_hint: Domain whose sign-in page to go to at once.
        prompt: `login`, `select_account`, `consent` or `none`; empty lets the service decide.
        timeout_s: Seconds to wait for the person.
        open_browser: Opens an address and says whether it could.
        on_link: Shown the address when no browser was opened; None logs it as a warning.
        paste: Shown the address, returns the address that the person's browser ended at; None to listen.
    """

    port: int = 0
    login_hint: str = ""
    domain_hint: str = ""
    prompt: str = ""
    timeout_s: float = 300.0
    open_browser: Callable[[str], bool] | None = None
    on_link: Callable[[str, int], None] | None = None
    paste: Callable[[str], str] | None = None

    def checked(self) -> BrowserOptions:
        """Return these options, or raise ParameterError for one that can't be right."""
        if not 0 <= self.port <= 65535:
            raise ParameterError(f"{self.port} is no port.", remedy="Give a number from 1024 to 65535, or 0 for any.")
        if self.prompt and self.prompt not in PROMPTS:
            raise ParameterError(f"There is no prompt {self.prompt!r}.", remedy=f"Use one of {', '.join(PROMPTS)}.")
        return self


def sign_in(
    authority: Authority, client_id: str, transport: Transport, scopes: Sequence[str], *,
    options: BrowserOptions, accept: Callable[[Grant], Account], claims: str = "",
) -> Grant:  # fmt: skip
    """Return a token on behalf of the person who signs in.

    Args:
        authority: Any authority.
        client_id: An app with `http://localhost` as a redirect URI of the desktop platform.
        transport: What sends.
        scopes: Delegated scopes of one resource.
        options: How to walk the browser leg.
        accept: Checks whose sign-in it was before the person is told that it worked.
        claims: JSON text of a claims challenge; empty if there is none.

    Raises:
        SignInError: The person cancelled or did not answer in time, or the service said no.
        NetworkError: No usable answer.
        ParameterError: The port is taken, or what was pasted is not the answer.
    """
    service = TokenService(authority, client_id, transport, flow="browser")
    state = os.urandom(32).hex()

    def request(redirect_uri: str, mode: str) -> CodeRequest:
        return service.request_code(
            scopes,
            redirect_uri=redirect_uri,
            state=state,
            response_mode=mode,
            claims=claims,
            prompt=options.prompt,
            login_hint=options.login_hint,
            domain_hint=options.domain_hint,
        )

    if options.paste is not None:
        return _by_pasting(service, request(PASTE_REDIRECT_URI, "query"), options.paste, accept)
    return _by_listening(service, request, state, options, accept)


def _by_listening(
    service: TokenService, make_request: Callable[[str, str], CodeRequest], state: str, options: BrowserOptions,
    accept: Callable[[Grant], Account],
) -> Grant:  # fmt: skip
    from entrakit.sign_in.last_page import failure_page, success_page
    from entrakit.sign_in.loopback import Loopback

    with Loopback(state=state, port=options.port, monotonic=service.transport.clock.monotonic) as listener:
        request = make_request(listener.redirect_uri, "form_post")
        _send_person_to(request.url, listener.port, options)
        answer = listener.wait(options.timeout_s)
        try:
            grant = _redeem(service, request, answer.parameters)
            account = accept(grant)
        except EntraError as error:
            reference = error.correlation_id if isinstance(error, SignInError) else ""
            answer.show(failure_page(error.problem, error.remedy, reference), status=400)
            raise
        answer.show(success_page(account.username))
        return grant


def _by_pasting(
    service: TokenService, request: CodeRequest, paste: Callable[[str], str], accept: Callable[[Grant], Account]
) -> Grant:
    from entrakit.sign_in.redirect import parse_pasted

    text = paste(request.url)
    answer = parse_pasted(text, state=request.state, redirect_uri=PASTE_REDIRECT_URI)
    grant = _redeem(service, request, answer)
    accept(grant)
    return grant


def _redeem(service: TokenService, request: CodeRequest, answer: dict[str, str]) -> Grant:
    expected = service.authority.issuer
    issuer = answer.get("iss", "")
    if issuer and "{tenantid}" not in expected and issuer != expected:
        raise SignInError(
            "The answer comes from another token service than the one that was asked (RFC 9207).",
            remedy="Start again; if it happens again, somebody may be interfering with the sign-in.",
            error="invalid_issuer",
        )
    if answer.get("error") or not answer.get("code"):
        raise service.explain(answer)
    return service.redeem_code(request, answer)


def _send_person_to(url: str, port: int, options: BrowserOptions) -> None:
    from entrakit.sign_in.system_browser import open_browser

    opened = (options.open_browser or open_browser)(url)
    if opened:
        log.info("The browser was opened; waiting for the sign-in on port %d.", port)
    elif options.on_link is not None:
        options.on_link(url, port)
    else:
        log.warning("Open this address in a browser on this machine to sign in: %s", url)
