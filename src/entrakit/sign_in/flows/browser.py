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

The page that the user sees at the end is written last, when the outcome of the sign-in is known. If no browser can
reach this machine, the user pastes the address of the browser's last page.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import EntraError, ParameterError, SignInError
from entrakit.sign_in.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import CodeRequest, Grant
    from entrakit.sign_in.loopback import Loopback

PROMPTS = ("login", "none", "consent", "select_account")
WAIT_S = 300.0
PASTE_ATTEMPTS = 3
_FIELDS = ("port", "login_hint", "domain_hint", "prompt", "redirect_uri", "open_browser", "on_link", "paste")

log = logging.getLogger("entrakit.sign_in.system_browser")


class Browser(Flow):
    """A user who signs in with the system's browser.

    Args:
        port: Port to listen on; 0 for any free port.
        login_hint: User name to fill in.
        domain_hint: Domain of the sign-in page to open directly.
        prompt: `login`, `select_account`, `consent` or `none`; if empty, the service decides.
        redirect_uri: Redirect URI that is registered for the app; empty for `http://localhost`. Only one of this
            machine, unless the answer is pasted.
        open_browser: Opens an address and returns whether it succeeded.
        on_link: Called with the address and the port if no browser was opened; None logs the address as a warning.
        paste: Called with the address, returns the address of the browser's last page; called again after a string
            that is another one, which is logged as a warning. None to listen.

    Raises:
        ParameterError: The port or the prompt does not exist, or no answer can arrive at the redirect URI.
    """

    __slots__ = (
        *("domain_hint", "hints", "on_link", "open_browser", "paste", "port", "prompt", "redirect_uri", "username"),
    )

    name = "browser"
    is_silent = False
    needs_no_variables = True
    not_renewed = "The token service gave no refresh token."
    port: int
    username: str
    domain_hint: str
    prompt: str
    redirect_uri: str
    open_browser: Callable[[str], bool] | None
    on_link: Callable[[str, int], None] | None
    paste: Callable[[str], str] | None
    hints: tuple[tuple[str, str], ...]

    def __init__(
        self,
        *,
        port: int = 0,
        login_hint: str = "",
        domain_hint: str = "",
        prompt: str = "",
        redirect_uri: str = "",
        open_browser: Callable[[str], bool] | None = None,
        on_link: Callable[[str, int], None] | None = None,
        paste: Callable[[str], str] | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ParameterError(
                f"{port} is not a port.", remedy="Give a number from 1024 to 65535, or 0 for any free port."
            )
        if prompt and prompt not in PROMPTS:
            raise ParameterError(f"{prompt!r} is not a value of `prompt`.", remedy=f"Use one of {', '.join(PROMPTS)}.")
        for name, hint in (("login_hint", login_hint), ("domain_hint", domain_hint)):
            if not hint.isprintable():
                raise ParameterError(
                    f"`{name}` is not printable text: {hint[:100]!a}.", remedy="Give it as UTF-8, without line breaks."
                )
        if redirect_uri:
            from entrakit.sign_in.redirect import check_redirect_uri

            check_redirect_uri(redirect_uri, port=port, is_pasted=paste is not None)
        put = object.__setattr__
        put(self, "port", port)
        put(self, "username", login_hint)
        put(self, "domain_hint", domain_hint)
        put(self, "prompt", prompt)
        put(self, "redirect_uri", redirect_uri)
        put(self, "open_browser", open_browser)
        put(self, "on_link", on_link)
        put(self, "paste", paste)
        # Without a user, `prompt="none"` would fail like the sign-in that has to be repeated.
        texts = {
            "port": str(port or ""), "domain_hint": domain_hint, "prompt": prompt if prompt != "none" else "",
            "redirect_uri": redirect_uri,
        }  # fmt: skip
        switches = {"open_browser": open_browser, "paste": paste}
        put(self, "hints", (
            *((name, text) for name, text in texts.items() if text),
            *((name, "") for name, function in switches.items() if function is not None),
        ))  # fmt: skip

    def __repr__(self) -> str:
        return f"Browser(port={self.port}, login_hint={self.username!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value with the parameters that have the names of its fields."""
        return cls(**{name: given[name] for name in _FIELDS if name in given})

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
        """Open the browser, and wait for its answer: five minutes, if no other time is given."""
        return sign_in(
            authority, client_id, transport, scopes, options=self, timeout_s=timeout_s or WAIT_S, claims=claims
        )

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the switch `browser`, the user, and the hints."""
        name = settings.account.username
        found: dict[str, object] = {"browser": True, "login_hint": name} if name else {"browser": True}
        return found | {hint: text or True for hint, text in settings.hints}


FLOW = Browser


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    options: Browser,
    timeout_s: float = WAIT_S,
    claims: str = "",
) -> Grant:
    """Return a token on behalf of the user who signs in.

    Args:
        authority: Any authority.
        client_id: An app with the redirect URI, or else `http://localhost`, of the desktop platform.
        transport: Transport that sends the requests.
        scopes: Delegated scopes of one resource.
        options: Options of this flow.
        timeout_s: Seconds to wait for the user.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The user cancelled or did not answer in time, or the service refused.
        NetworkError: No usable answer.
        ParameterError: The port is taken, or the pasted address is not that of the answer.
    """
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.redirect import DEFAULT_URI

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
            login_hint=options.username,
            domain_hint=options.domain_hint,
        )

    if options.paste is not None:
        uri = options.redirect_uri or DEFAULT_URI
        return _by_pasting(service, request(uri, "query"), options.paste, uri)
    return _by_listening(service, request, state, options, timeout_s)


def _by_listening(
    service: TokenService,
    make_request: Callable[[str, str], CodeRequest],
    state: str,
    options: Browser,
    timeout_s: float,
) -> Grant:
    from entrakit.sign_in.id_token import account_of
    from entrakit.sign_in.last_page import failure_page, success_page
    from entrakit.sign_in.loopback import Loopback
    from entrakit.sign_in.redirect import DEFAULT_URI

    uri, monotonic = options.redirect_uri or DEFAULT_URI, service.transport.clock.monotonic
    with Loopback(state=state, port=options.port, redirect_uri=uri, monotonic=monotonic) as listener:
        request = make_request(listener.redirect_uri, "form_post")
        _open(request.url, listener, options)
        answer = listener.wait(timeout_s)
        try:
            grant = _redeem(service, request, answer.parameters)
            # Checked before the user reads that the sign-in worked: it may be for another account.
            account = account_of(grant, service.authority, service.client_id)
        except EntraError as error:
            reference = error.correlation_id if isinstance(error, SignInError) else ""
            answer.show(failure_page(error.problem, error.remedy, reference), status=400)
            raise
        answer.show(success_page(account.username))
        return grant


def _by_pasting(service: TokenService, request: CodeRequest, paste: Callable[[str], str], redirect_uri: str) -> Grant:
    from entrakit.sign_in.redirect import parse_pasted

    for attempt in range(1, PASTE_ATTEMPTS + 1):
        text = paste(request.url)
        try:
            answer = parse_pasted(text, state=request.state, redirect_uri=redirect_uri)
        except ParameterError as error:
            if attempt == PASTE_ATTEMPTS:
                raise
            # The user has signed in already, so a wrong line must not end it.
            log.warning("%s %s", error.problem, error.remedy)
        else:
            return _redeem(service, request, answer)
    raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover


def _redeem(service: TokenService, request: CodeRequest, answer: dict[str, str]) -> Grant:
    expected = service.authority.issuer
    issuer = answer.get("iss", "")
    if issuer and "{tenantid}" not in expected and issuer != expected:
        raise SignInError(
            "The answer comes from another token service than the one that the browser was sent to (RFC 9207).",
            remedy="Start again. If it happens again, someone may be interfering with the sign-in.",
            error="invalid_issuer",
        )
    if answer.get("error") or not answer.get("code"):
        raise service.explain(request, answer)
    return service.redeem_code(request, answer)


def _open(url: str, listener: Loopback, options: Browser) -> None:
    """Open the address in a browser, or show it to the user."""
    from entrakit.sign_in.system_browser import open_browser, refuse_unsafe

    port = listener.port
    if options.open_browser is not None:
        opened = options.open_browser(url)
    else:
        # Other users can read the command line of a browser; with the real address, they could sign in instead.
        refuse_unsafe(url)
        opened = open_browser(listener.offer(url))
        if not opened:
            listener.withdraw()
    if opened:
        log.info("Opened the browser; waiting for the sign-in on port %d.", port)
    elif options.on_link is not None:
        options.on_link(url, port)
    else:
        log.warning(
            "No browser was opened; `device_code=True` or `browser_or_device_code=True` needs none. "
            "Open this address in a browser on this machine to sign in: %s",
            url,
        )
