"""Sign-in, page by page. The progress of the user decides the next step:

account     choose an account    those signed in with this browser, or a name
password    enter the password
mfa         enter a code         if the account has a second factor
confirm     confirm the device   device code only
consent     grant permissions    if some are not granted yet
done        a code, or the device is approved
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from entrakit_emulator.state.tickets import AdminConsentRequest, AuthorizeRequest, Interaction, Subject
from entrakit_emulator.sts import browser, consent, delivery, redirects, sign_in_pages, users
from entrakit_emulator.sts.errors import ServiceError, note
from entrakit_emulator.sts.purpose import Purpose, find_user, present

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import User
    from entrakit_emulator.world import World


def begin(exchange: Exchange, request: AuthorizeRequest) -> Response:
    """Start the sign-in of an authorization request."""
    interaction = Interaction(browser.browser_id(exchange) or browser.new_browser_id(), request)
    chosen = _chosen(request, present(exchange, Purpose(exchange.world, interaction)))
    if request.prompt == "none":
        return _silently(exchange, request, chosen)
    interaction.user_name = "" if request.prompt == "select_account" else request.login_hint
    # `prompt=login` requests a new sign-in, so earlier ones are not offered.
    interaction.wants_other_account = request.prompt == "login"
    if chosen is not None:
        _adopt(interaction, *chosen)
    return start(exchange, interaction)


def start(exchange: Exchange, interaction: Interaction) -> Response:
    """Show the first page of a sign-in."""
    flow = secrets.token_urlsafe(24)
    exchange.world.interactions[flow] = interaction
    response = _next(exchange, flow, interaction)
    browser.name_browser(exchange, response, interaction.browser_id)
    return response


def login(exchange: Exchange) -> Response:
    """Process the form of a sign-in page: POST /{tenant}/login.

    Raises:
        ServiceError: The form belongs to another browser (165000), or its sign-in has ended (50089).
    """
    if exchange.method != "POST":
        raise ServiceError(900561, allowed="POST", method=exchange.method)
    flow = exchange.form.get("flow", "")
    check_form(exchange, flow)
    interaction = exchange.world.interactions.get(flow)
    if interaction is None:
        raise ServiceError(50089)
    if not secrets.compare_digest(interaction.browser_id.encode(), browser.browser_id(exchange).encode()):
        raise ServiceError(165000)
    action = exchange.form.get("action", "")
    if action in ("cancel", "decline"):
        return _given_up(exchange, flow, interaction, declined=action == "decline")
    try:
        is_new = _take(exchange, interaction)
    except ServiceError as error:
        note(exchange, error)
        return sign_in_pages.show(exchange, flow, interaction, step_of(exchange.world, interaction), error)
    response = _next(exchange, flow, interaction)
    if is_new and interaction.subject is not None:
        browser.sign_in(exchange, response, interaction.subject)
    return response


def logout(exchange: Exchange) -> Response:
    """End the browser's session (OpenID Connect RP-Initiated Logout, 2)."""
    uri = exchange.query.get("post_logout_redirect_uri", "")
    is_known = any(redirects.fits(one.uri, uri) for app in exchange.world.apps.values() for one in app.redirects)
    response = RedirectResponse(uri, 302) if is_known else sign_in_pages.signed_out()
    browser.sign_out(exchange, response)
    return response


def check_form(exchange: Exchange, flow: str) -> None:
    """Check that a form comes from a page of the tenant, and from the browser that got the page.

    Raises:
        ServiceError: The form comes from elsewhere (165000).
    """
    origin = exchange.headers.get("origin", exchange.world.origin)
    own = f"https://{exchange.headers.get('host', '')}"
    token = exchange.form.get("csrf", "")
    if origin not in (exchange.world.origin, own) or not browser.is_own_form(flow, browser.browser_id(exchange), token):
        raise ServiceError(165000)


def step_of(world: World, interaction: Interaction) -> str:
    """Return the next step: a step in the picture above, including `done`."""
    purpose = Purpose(world, interaction)
    if interaction.subject is None:
        if not interaction.user_name:
            return "account"
        return "mfa" if "pwd" in interaction.methods else "password"
    if purpose.device is not None and not interaction.is_confirmed:
        return "confirm"
    if not interaction.has_consented and _needs_consent(world, interaction, purpose):
        return "consent"
    return "done"


def _needs_consent(world: World, interaction: Interaction, purpose: Purpose) -> bool:
    asks_always = purpose.admin is not None or (purpose.request is not None and purpose.request.prompt == "consent")
    return (
        asks_always
        or consent.is_first_visit(world, interaction.user_id, purpose.app, purpose.scopes)
        or bool(consent.missing(world, interaction.user_id, purpose.app, purpose.scopes))
    )


def _chosen(request: AuthorizeRequest, found: list[tuple[User, Subject]]) -> tuple[User, Subject] | None:
    """Return the signed-in user that a request clearly means; None if the user has to choose."""
    if request.prompt in ("login", "select_account"):
        return None
    if request.login_hint:
        return next((one for one in found if one[0].upn.lower() == request.login_hint.lower()), None)
    return found[0] if len(found) == 1 else None


def _adopt(interaction: Interaction, user: User, subject: Subject) -> None:
    """Continue with an earlier sign-in of this browser."""
    interaction.user_name, interaction.user_id = user.upn, user.object_id
    interaction.methods = subject.methods
    if not user.mfa_code or "mfa" in subject.methods:
        interaction.subject = subject


def _silently(exchange: Exchange, request: AuthorizeRequest, chosen: tuple[User, Subject] | None) -> Response:
    """Answer a request that must not show a page (`prompt=none`)."""
    error: ServiceError | None = None
    if chosen is None:
        error = ServiceError(50058)
    else:
        interaction = Interaction("", request)
        _adopt(interaction, *chosen)
        try:
            users.check_state(chosen[0], request.app)
        except ServiceError as refused:
            error = ServiceError(refused.code, error="interaction_required")
        step = step_of(exchange.world, interaction)
        if step == "mfa":
            error = ServiceError(50076, error="interaction_required", resource=request.scopes.first.resource)
        elif step == "consent":
            app = request.app
            error = ServiceError(65001, error="consent_required", suberror="", app=app.client_id, name=app.name)
        elif error is None:
            return delivery.code(exchange, request, *chosen)
    return _refused(exchange, request, error)


def _take(exchange: Exchange, interaction: Interaction) -> bool:
    """Process the input of one page, and return whether it completed a sign-in.

    Raises:
        ServiceError: The input is wrong; the same page is shown again with the error.
    """
    world, form = exchange.world, exchange.form
    step = step_of(world, interaction)
    if form.get("step") != step:
        # The form is old, from the back button or a second window: show the current step.
        return False
    purpose = Purpose(world, interaction)
    if step == "password" and form.get("action") == "other":
        interaction.user_name, interaction.wants_other_account = "", True
    elif step == "account":
        _take_account(exchange, interaction, purpose)
    elif step == "password":
        return _take_password(exchange, interaction, purpose)
    elif step == "mfa":
        return _take_code(exchange, interaction)
    elif step == "confirm":
        interaction.is_confirmed = True
    else:
        _take_consent(exchange, interaction, purpose)
    return False


def _take_consent(exchange: Exchange, interaction: Interaction, purpose: Purpose) -> None:
    world, user = exchange.world, exchange.world.users[interaction.user_id]
    if purpose.admin is not None:
        if not user.is_admin:
            raise ServiceError(90093)
        consent.grant_for_everybody(world, purpose.app, purpose.scopes, user.tenant_id)
    else:
        lacking = consent.missing(world, user.object_id, purpose.app, purpose.scopes)
        if any(one.is_admin_only for one in lacking) and not user.is_admin:
            raise ServiceError(90094, tenant=exchange.tenant, name=purpose.app.name)
        consent.grant(world, user.object_id, purpose.app, purpose.scopes)
    interaction.has_consented = True


def _take_account(exchange: Exchange, interaction: Interaction, purpose: Purpose) -> None:
    account = exchange.form.get("account", "")
    if account == "other":
        interaction.wants_other_account = True
        return
    for user, subject in present(exchange, purpose):
        if account == user.object_id:
            # The request requires a new sign-in, so the password is required again.
            if purpose.request is not None and purpose.request.prompt == "login":
                interaction.user_name = user.upn
            else:
                _adopt(interaction, user, subject)
            return
    typed = exchange.form.get("loginfmt", "").strip()
    find_user(exchange, purpose, typed)
    interaction.user_name = typed


def _take_password(exchange: Exchange, interaction: Interaction, purpose: Purpose) -> bool:
    user = find_user(exchange, purpose, interaction.user_name)
    users.check_password(user, exchange.form.get("passwd", ""))
    users.check_state(user, purpose.app)
    interaction.user_id, interaction.methods = user.object_id, ("pwd",)
    return _complete(exchange, interaction, user)


def _take_code(exchange: Exchange, interaction: Interaction) -> bool:
    user = exchange.world.users[interaction.user_id]
    if not secrets.compare_digest(user.mfa_code.encode(), exchange.form.get("otc", "").strip().encode()):
        raise ServiceError(500121)
    interaction.methods = (*interaction.methods, "mfa")
    return _complete(exchange, interaction, user)


def _complete(exchange: Exchange, interaction: Interaction, user: User) -> bool:
    if user.mfa_code and "mfa" not in interaction.methods:
        return False
    interaction.subject = Subject(user.object_id, user.tenant_id, exchange.now, interaction.methods, str(uuid.uuid4()))
    return True


def _next(exchange: Exchange, flow: str, interaction: Interaction) -> Response:
    """Show the next page, or complete the sign-in."""
    step = step_of(exchange.world, interaction)
    if step != "done" or interaction.subject is None:
        return sign_in_pages.show(exchange, flow, interaction, step, None)
    del exchange.world.interactions[flow]
    app = Purpose(exchange.world, interaction).app
    purpose = interaction.purpose
    user = exchange.world.users[interaction.user_id]
    try:
        users.check_state(user, app)
    except ServiceError as error:
        if isinstance(purpose, AuthorizeRequest):
            return _refused(exchange, purpose, error)
        if isinstance(purpose, AdminConsentRequest):
            return delivery.refuse_admin(exchange, purpose, error)
        raise
    if isinstance(purpose, AuthorizeRequest):
        return delivery.code(exchange, purpose, user, interaction.subject)
    if isinstance(purpose, AdminConsentRequest):
        return delivery.approve_admin(purpose, user.tenant_id)
    purpose.subject, purpose.state = interaction.subject, "approved"
    return sign_in_pages.device_approved(app)


def _refused(exchange: Exchange, request: AuthorizeRequest, error: ServiceError) -> Response:
    return delivery.refuse(exchange, request.redirect_uri, request.response_mode, request.state, error)


def _given_up(exchange: Exchange, flow: str, interaction: Interaction, *, declined: bool) -> Response:
    """End a sign-in that the user cancelled or declined."""
    del exchange.world.interactions[flow]
    purpose = interaction.purpose
    if isinstance(purpose, AdminConsentRequest):
        # The two endpoints name the refusal differently.
        refused = ServiceError(65004, error="consent_required" if purpose.is_v2 else "permission_denied")
        return delivery.refuse_admin(exchange, purpose, refused)
    if not isinstance(purpose, AuthorizeRequest):
        purpose.state = "declined"
        return sign_in_pages.device_declined(exchange.world.apps[purpose.client_id])
    if declined:
        return _refused(exchange, purpose, ServiceError(65004))
    return delivery.cancel(exchange, purpose)
