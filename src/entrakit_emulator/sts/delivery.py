"""Delivery of the authorize endpoint's answers: a redirect, or a form that sends itself (`form_post`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from entrakit_emulator.state.tickets import AuthorizationCode, new_ticket
from entrakit_emulator.sts import claims, pages, redirects
from entrakit_emulator.sts.errors import note

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import User
    from entrakit_emulator.state.tickets import AdminConsentRequest, AuthorizeRequest, Subject
    from entrakit_emulator.sts.errors import ServiceError


def code(exchange: Exchange, request: AuthorizeRequest, user: User, subject: Subject) -> Response:
    """Issue a code and send it to the client."""
    world = exchange.world
    value = new_ticket("1.A")
    world.codes[value] = AuthorizationCode(request, subject, exchange.now + world.settings.code_lifetime_s)
    answer = {"code": value}
    if request.wants_client_info:
        answer["client_info"] = claims.client_info(user)
    if request.state is not None:
        answer["state"] = request.state
    answer["session_state"] = subject.session_id
    return deliver(request.redirect_uri, request.response_mode, answer)


def refuse(exchange: Exchange, uri: str, mode: str, state: str | None, error: ServiceError) -> Response:
    """Send an error to the client."""
    note(exchange, error)
    answer = {
        "error": error.error,
        "error_description": error.description(
            trace_id=exchange.trace_id, correlation_id=exchange.correlation_id, now=exchange.now
        ),
        "error_uri": f"{exchange.world.origin}/error?code={error.code}",
    }
    if error.suberror:
        answer["suberror"] = error.suberror
    if state is not None:
        answer["state"] = state
    return deliver(uri, mode, answer)


def cancel(exchange: Exchange, request: AuthorizeRequest) -> Response:
    """Send the client the error for a cancelled sign-in."""
    exchange.error = "access_denied"
    answer = {
        "error": "access_denied",
        "error_subcode": "cancel",
        "error_description": "the user canceled the authentication",
    }
    if request.state is not None:
        answer["state"] = request.state
    return deliver(request.redirect_uri, request.response_mode, answer)


def approve_admin(request: AdminConsentRequest, tenant_id: str) -> Response:
    """Send the client the answer to a consent that an administrator gave."""
    scope = {"scope": request.scopes.text} if request.is_v2 else {}
    return _answer_admin(request, {"tenant": tenant_id, **scope})


def refuse_admin(exchange: Exchange, request: AdminConsentRequest, error: ServiceError) -> Response:
    """Send the client the error for a consent that was not given."""
    note(exchange, error)
    description = error.description(
        trace_id=exchange.trace_id, correlation_id=exchange.correlation_id, now=exchange.now
    )
    return _answer_admin(request, {"error": error.error, "error_description": description})


def _answer_admin(request: AdminConsentRequest, answer: dict[str, str]) -> Response:
    state = {} if request.state is None else {"state": request.state}
    return deliver(request.redirect_uri, "query", {"admin_consent": "True", **answer, **state})


def deliver(uri: str, mode: str, answer: dict[str, str]) -> Response:
    """Send an answer to a redirect URI."""
    if mode == "form_post":
        return pages.form_post(uri, answer)
    return RedirectResponse(redirects.with_answer(uri, mode, answer), 302)
