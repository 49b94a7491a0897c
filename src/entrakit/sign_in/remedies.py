"""Remedies for errors of the token service. Imported only when there is an error to explain.

`error` and `suberror` decide on the kind of the error (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6), because Microsoft
may change numbers and messages. The number selects the message. It decides one thing only: the service also reports
temporary failures as `invalid_grant`, and a connection must not be given up for those.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.sign_in.remedy_table import (
    BY_ERROR,
    BY_SUBERROR,
    FOR_APPS,
    FOR_WEB_APIS,
    FOR_WEB_APIS_WITHOUT_CONSENT,
    TABLE,
)

LOOKUP = "https://login.microsoftonline.com/error?code="
GLOBAL_AUTHORITY = "https://login.microsoftonline.com"

_APP_FLOWS = ("certificate", "federated", "secret")

_INTERACTION_ERRORS = frozenset(
    {"account_selection_required", "consent_required", "interaction_required", "login_required"}
)
_INTERACTION_SUBERRORS = frozenset({"basic_action", "additional_action", "consent_required", "user_password_expired"})
# Numbers that require a user although the service says `invalid_grant` without a suberror.
_INTERACTION_CODES = frozenset(
    {
        *(16000, 50055, 50072, 50074, 50076, 50078, 50079, 50097, 50129, 50144),
        *(50155, 50158, 50187, 50199, 53000, 53001, 530003, 65001, 700020, 70043, 500133),
    }
)
_THROTTLING_CODES = frozenset({50196, 90055})
_TRANSIENT_CODES = frozenset({50000, 50033, 80001, 80002, 80014, 90006, 90012, 90024, 90033, 90036})

_BY_CODE = {code: (problem, remedy) for codes, problem, remedy in TABLE for code in codes}


class Remedy(NamedTuple):
    """The two parts of an error.

    Args:
        problem: One sentence: what happened.
        remedy: One or two sentences in the imperative: what to do next. Code spans name parameters and calls.
    """

    problem: str
    remedy: str


def known_codes() -> frozenset[int]:
    """Return the numbers that have an entry in the table."""
    return frozenset(_BY_CODE)


def remedy_for(
    code: int | None,
    *,
    error: str,
    flow: str,
    tenant: str,
    client_id: str,
    authority: str,
    suberror: str = "",
) -> Remedy:
    """Return problem and remedy for an error of the token service.

    Args:
        code: The AADSTS number; None if there is none.
        error: The OAuth 2.0 error.
        flow: The flow that failed: `browser`, `devicecode`, `certificate`, `secret`, `password`, `on_behalf_of`;
            `refresh` for a silent renewal, `discovery` for the discovery document of the authority.
        tenant: The tenant of the request.
        client_id: The app of the request.
        authority: Origin of the token service.
        suberror: The more specific reason of Entra.

    Returns:
        The entry for the number; else that for suberror or error, with the address that explains the number.
    """
    known = _BY_CODE.get(code or 0)
    problem, remedy = known or BY_SUBERROR.get(suberror) or BY_ERROR.get(error) or _unknown(code, error)
    if flow == "on_behalf_of" and ("{reconnect}" in remedy or "{browser}" in remedy):
        remedy = FOR_WEB_APIS_WITHOUT_CONSENT if "{consent}" in remedy else FOR_WEB_APIS
    elif flow in _APP_FLOWS and ("{reconnect}" in remedy or "{browser}" in remedy):
        remedy = FOR_APPS
    elif flow == "refresh" and "{" not in remedy.replace("{consent}", "") and needs_user(error, suberror, code, flow):
        remedy = f"{remedy} Then connect again: {{reconnect}}"
    if code and known is None:
        remedy = f"{remedy} The number is explained at {LOOKUP}{code}".strip()
    values = {
        "tenant": tenant,
        "client_id": client_id or "of this request",
        "consent": _consent_address(authority, tenant, client_id),
        "reconnect": "`connect()`",
        "browser": _browser_call(authority, tenant, client_id),
    }
    return Remedy(problem.format(**values), remedy.format(**values))


def asks_user(code: int) -> bool:
    """Return whether the remedy for a number is that a user signs in again."""
    remedy = _BY_CODE.get(code, ("", ""))[1]
    return "{reconnect}" in remedy or "{browser}" in remedy


def is_throttled(error: str, code: int | None) -> bool:
    """Return whether the service throttles requests."""
    return error == "temporarily_unavailable" or code in _THROTTLING_CODES


def is_transient(error: str, code: int | None) -> bool:
    """Return whether the service failed temporarily, so that the same request may succeed later."""
    return error in ("server_error", "slow_down") or code in _TRANSIENT_CODES


def needs_user(error: str, suberror: str, code: int | None, flow: str) -> bool:
    """Return whether a user has to sign in.

    In a silent renewal every `invalid_grant` means that the refresh token can't be used any more, unless the service
    failed temporarily.

    Args:
        error: The OAuth 2.0 error.
        suberror: The more specific reason of Entra.
        code: The AADSTS number; None if there is none.
        flow: The flow that failed.
    """
    if is_throttled(error, code) or is_transient(error, code):
        return False
    if error in _INTERACTION_ERRORS or suberror in _INTERACTION_SUBERRORS:
        return True
    return error == "invalid_grant" and (flow == "refresh" or code in _INTERACTION_CODES)


def _consent_address(authority: str, tenant: str, client_id: str) -> str:
    from urllib.parse import quote

    # Administrators have work accounts, so the address does not accept these two.
    tenant = "organizations" if tenant.lower() in ("common", "consumers") else tenant
    return f"{authority}/{quote(tenant, safe='')}/adminconsent?client_id={quote(client_id, safe='')}"


def _browser_call(authority: str, tenant: str, client_id: str) -> str:
    """Return the call that signs in with a browser."""
    cloud = "" if authority == GLOBAL_AUTHORITY else f"cloud={authority!r}, "
    return f"`connect(client_id={client_id!r}, tenant_id={tenant!r}, {cloud}browser=True)`"


def _unknown(code: int | None, error: str) -> tuple[str, str]:
    # The result is a format string, in which braces have a meaning.
    name = f"AADSTS{code}" if code else error.replace("{", "").replace("}", "") or "no reason given"
    what = "" if code else "Try again; if the error persists, report it with the correlation id."
    return f"The token service refused the request: {name}.", what
