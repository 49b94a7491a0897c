"""The page of each step, and the error messages on it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from entrakit_emulator.sts import browser, consent, pages, redirects
from entrakit_emulator.sts.errors import ServiceError, note, stamp
from entrakit_emulator.sts.purpose import Purpose, present

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Permission
    from entrakit_emulator.state.tickets import Interaction

# Messages for users; other numbers are shown with the service's own text.
WORDS = {
    50034: "This tenant has no account with that name. Check the spelling.",
    50020: "That account belongs to another tenant and is not a guest in this one.",
    50126: "The password is wrong. Check it and try again.",
    50053: "This account is locked after too many wrong passwords. Wait, or ask an administrator.",
    50055: "The password has expired. The real service would request a new one; the emulator can't.",
    50056: "This account has no password here.",
    50057: "This account is disabled. Ask an administrator to enable it.",
    50105: "You are not assigned to this app. Ask an administrator to assign you.",
    53003: "A policy of the tenant blocks your sign-in. Give the ids below to an administrator.",
    500121: "The code is wrong. Look it up again and type it.",
}

# Mistakes of typing: the user corrects them alone, and the page shows no ids.
TYPED = (50034, 50020, 50126, 500121)


def show(exchange: Exchange, flow: str, interaction: Interaction, step: str, error: ServiceError | None) -> Response:
    """Return the page of a step.

    Args:
        exchange: The request.
        flow: Id of the interaction.
        interaction: State of the user's sign-in.
        step: The step.
        error: Error of the last input; None if there is none.
    """
    purpose = Purpose(exchange.world, interaction)
    message = WORDS.get(error.code, error.text) if error else ""
    tenant = purpose.directory.name if purpose.directory else "Any tenant"
    title, lead, content = _content(exchange, purpose, interaction, step, message)
    hidden = {"flow": flow, "csrf": browser.csrf_token(flow, interaction.browser_id), "step": step}
    # The path keeps the tenant in which the sign-in began.
    action = f"/{purpose.device.tenant if purpose.device else exchange.tenant}/login"
    body = pages.heading(tenant, title, lead) + pages.form(action, hidden, content)
    if error and error.code not in TYPED:
        body += _support(exchange, error)
    answered = purpose.request or purpose.admin
    targets = [redirects.source(answered.redirect_uri)] if answered else []
    return pages.respond(title, body, targets=targets)


def _content(
    exchange: Exchange, purpose: Purpose, interaction: Interaction, step: str, message: str
) -> tuple[str, str, str]:
    """Return title, introduction and form of a step's page."""
    world = exchange.world
    if step == "account":
        people = [user for user, _ in present(exchange, purpose)]
        if people and not interaction.wants_other_account:
            return "Pick an account", f"to continue to {purpose.app.name}", pages.account_list(people, message)
        known = [user for user in world.users.values() if purpose.directory in (None, world.tenants[user.tenant_id])]
        typed = exchange.form.get("loginfmt", "")
        return "Sign in", f"to continue to {purpose.app.name}", pages.sign_in_name(known, message, typed)
    if step == "password":
        return "Enter your password", "", pages.password(interaction.user_name, message)
    user = world.users[interaction.user_id]
    if step == "mfa":
        lead = f"{user.upn} has a second factor. Enter the code of your authenticator."
        return "Verify your identity", lead, pages.second_factor(message, user.mfa_code)
    if step == "confirm":
        content = (
            f"<p>You are signed in as <b>{escape(user.upn)}</b>. Continue only if you started this "
            "yourself on your own device. If somebody else sent you the code, they will be signed in as you.</p>"
            + pages.buttons("Continue")
        )
        return f"Are you trying to sign in to {purpose.app.name}?", "", content
    if purpose.admin is not None and user.is_admin:
        listed = pages.permissions(
            consent.for_everybody(world, purpose.app, purpose.scopes), signs_in=False, stays=False
        )
        content = pages.consent_for_everybody(purpose.app, listed)
        return "Permissions requested", f"Review for your organization, {user.upn}", content
    if purpose.admin is not None:
        lacking = consent.for_everybody(world, purpose.app, purpose.scopes)
        lacking = [one._replace(is_admin_only=True) for one in lacking]
    else:
        lacking = consent.missing(world, user.object_id, purpose.app, purpose.scopes)
    if purpose.admin is not None or (any(one.is_admin_only for one in lacking) and not user.is_admin):
        listed = pages.permissions([one for one in lacking if one.is_admin_only], signs_in=False, stays=False)
        content = (
            f"<p>{escape(purpose.app.name)} requests permissions that only an administrator can grant:</p>\n{listed}"
            + pages.wrong(message)
            + '<div class="actions"><button class="main" name="action" value="decline">Back to the app</button></div>'
        )
        return "An administrator has to approve", user.upn, content
    shown = lacking or _granted(exchange, purpose, interaction)
    listed = pages.permissions(
        shown,
        signs_in=bool(purpose.scopes.oidc & {"openid", "profile", "email"}),
        stays="offline_access" in purpose.scopes.oidc,
    )
    return "Permissions requested", user.upn, pages.consent(purpose.app, listed)


def _granted(exchange: Exchange, purpose: Purpose, interaction: Interaction) -> list[Permission]:
    """Return the permissions that were granted before, for `prompt=consent`."""
    found = []
    for api in purpose.scopes.resources:
        names = consent.wanted(purpose.app, api) | consent.granted(
            exchange.world, interaction.user_id, purpose.app, api.resource
        )
        found += [one for one in exchange.world.apps[api.resource].permissions if one.value in names]
    return found


def signed_out() -> Response:
    """Return the page that ends a session."""
    lead = "All users of this browser are signed out. You can close this window."
    return pages.respond("Signed out", pages.heading("Sign-in", "You're signed out", lead))


def device_approved(app: App) -> Response:
    """Return the page after an approved sign-in of a device."""
    lead = f"You have signed in to {app.name} on your device. You can close this window."
    return pages.respond("Signed in", pages.heading("Device sign-in", "You're signed in", lead))


def device_declined(app: App) -> Response:
    """Return the page after a declined sign-in of a device."""
    lead = f"{app.name} was not signed in. You can close this window."
    return pages.respond("Cancelled", pages.heading("Device sign-in", "Sign-in cancelled", lead))


def failure(exchange: Exchange, error: ServiceError) -> Response:
    """Return the page for an error that can't be sent to the client."""
    note(exchange, error)
    body = (
        pages.heading("Sign-in", "We can't sign you in")
        + f'<p role="alert">{escape(WORDS.get(error.code, ""))} AADSTS{error.code}: {escape(error.text)}</p>'
        + _support(exchange, error)
    )
    return pages.respond("We can't sign you in", body, status=error.status)


def _support(exchange: Exchange, error: ServiceError) -> str:
    """Return the ids that an administrator finds the refusal by."""
    rows = {
        "Number": f"AADSTS{error.code}",
        "Correlation id": exchange.correlation_id,
        "Trace id": exchange.trace_id,
        "Time": stamp(exchange.now),
    }
    return "<h2>For support</h2>" + pages.facts(rows)
