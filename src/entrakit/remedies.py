"""From the service's error to a sentence that a person can act on. Imported only when there is an error to explain."""

from __future__ import annotations

from typing import NamedTuple

from entrakit.remedy_table import BY_ERROR, TABLE

LOOKUP = "https://login.microsoftonline.com/error?code="

INTERACTION_ERRORS = frozenset({"interaction_required", "login_required", "consent_required"})
THROTTLING_ERRORS = frozenset({"temporarily_unavailable", "slow_down"})

# Numbers that mean "a person must go on" though the service calls them invalid_grant.
_INTERACTION_CODES = frozenset(
    {
        *(16000, 50055, 50072, 50074, 50076, 50078, 50079, 50097, 50129, 50144),
        *(50155, 50158, 50187, 50199, 53000, 53001, 530003, 65001, 700020, 70043),
    }
)
_INTERACTION_SUBERRORS = frozenset({"basic_action", "additional_action", "consent_required", "user_password_expired"})

_BY_CODE = {code: (problem, remedy) for codes, problem, remedy in TABLE for code in codes}


class Remedy(NamedTuple):
    """What happened, and what to do next.

    Args:
        problem: One sentence.
        remedy: One or two sentences, imperative.
    """

    problem: str
    remedy: str


def known_codes() -> frozenset[int]:
    """Return the numbers that have words of their own."""
    return frozenset(_BY_CODE)


def remedy_for(
    code: int | None, *, error: str, flow: str, tenant: str, client_id: str, authority: str, reconnect: str = ""
) -> Remedy:
    """Return the words for an error of the token service.

    Args:
        code: The AADSTS number, if there is one.
        error: The OAuth 2.0 error.
        flow: The flow that asked: `browser`, `devicecode`, `certificate`, `secret`, `password`, `refresh`.
        tenant: The tenant that was asked.
        client_id: The app that asked.
        authority: Origin of the token service.
        reconnect: The command that signs in anew; empty for a general one.
    """
    problem, remedy = _BY_CODE.get(code or 0) or BY_ERROR.get(error) or _unknown(code, error)
    if flow == "secret" and error == "invalid_grant" and "{reconnect}" in remedy:
        remedy = "Check the app and its permissions, then connect again: {reconnect}"
    values = {
        "tenant": tenant,
        "client_id": client_id or "of this request",
        "authority": authority,
        "consent": f"{authority}/{tenant}/adminconsent?client_id={client_id}",
        "reconnect": f"`{reconnect or 'entra connect'}`",
        "browser": f"`entra connect --client-id {client_id} --tenant-id {tenant} --browser`",
    }
    return Remedy(problem.format(**values), remedy.format(**values))


def needs_person(error: str, suberror: str, code: int | None, flow: str) -> bool:
    """Return whether only a person can go on: decided on error and suberror, then on the number.

    In a silent renewal every `invalid_grant` means that the refresh token is spent, so a person is needed.
    """
    if error in INTERACTION_ERRORS or suberror in _INTERACTION_SUBERRORS:
        return True
    if error != "invalid_grant":
        return False
    return flow == "refresh" or code in _INTERACTION_CODES


def _unknown(code: int | None, error: str) -> tuple[str, str]:
    name = f"AADSTS{code}" if code else (error or "an unknown error").replace("{", "").replace("}", "")
    where = f"Look it up at {LOOKUP}{code}." if code else "Try again; if it stays, report it with the correlation id."
    return f"The token service refused the request: {name}.", where
