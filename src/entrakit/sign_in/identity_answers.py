"""Answers of the endpoints of managed identities: tokens with the expiry in several forms, and failures.

| Host | Success | Failure |
|---|---|---|
| virtual machine, Azure Arc | `expires_in` and `expires_on` as strings | `error`, `error_description` |
| App Service, Machine Learning | `expires_on`: seconds since 1970 as a string, or a date | `statusCode`, `message` |
| Service Fabric | `expires_on`: a number | `error`: `code`, `message` |
| Cloud Shell | `expires_in` and `expires_on` as strings | `error`: `code`, `message` |

The documentation does not promise the messages of failures. An unknown one is shown unchanged.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from entrakit.authority.tenants import MANY_TENANTS, is_guid
from entrakit.errors import ServiceUnavailableError, SignInError, ThrottledError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.http.retry import may_pass, retry_after
from entrakit.redaction import MASK, redact
from entrakit.shown_text import one_line
from entrakit.tokens.jwt import decode_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.errors import EntraError
    from entrakit.http.message import Response
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.identity_hosts import Host, Identity
    from entrakit.tokens.jwt import JSON

MAX_TEXT = 300
MAX_ID = 80
LONGEST_S = 1e9
LONG_LIFETIME_S = 7200.0
_DATES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")
# Parts of messages in lower case, with the problem. `{host}` and `{identity}` are replaced.
_FAILURES = (
    ("multiple user assigned identities", "{host} has several managed identities, and none was named."),
    ("identity not found", "{host} does not have {identity}."),
    ("no managed identity found", "{host} does not have {identity}."),
    ("no user assigned or delegated managed identity", "{host} does not have {identity}."),
    ("managedidentitynotfound", "{host} does not have {identity}."),
    ("managed identity was not found", "{host} does not have {identity}."),
    ("no managed service identity", "{host} does not have {identity}."),
    ("invalid_resource", "The resource {resource} is not known to the tenant of the managed identity."),
    ("not a supported msi token audience", "{host} does not give tokens for {resource}."),
    # Docker Desktop answers in place of an address that it can't reach.
    ("unreachable", "This machine is not a host of Azure."),
)


def lifetime(body: Mapping[str, JSON], now: float) -> float | None:
    """Return the seconds that a token lives, the shortest if the answer says it twice; None if it does not say it.

    Args:
        body: The answer.
        now: Seconds since 1970.
    """
    found = []
    if body.get("expires_in") is not None:
        found.append(_number(body["expires_in"]))
    if body.get("expires_on") is not None:
        at = _number(body["expires_on"])
        at = _date(body["expires_on"]) if at is None else at
        found.append(None if at is None else at - now)
    if not found or None in found:
        return None
    return min(one for one in found if one is not None)


def refresh_in(body: Mapping[str, JSON], lives_s: float) -> float | None:
    """Return the seconds after which to renew a token; None if the usual time is right.

    A host keeps a token for up to a day. Half of its life is the time of the SDKs if the host names none.

    Args:
        body: The answer.
        lives_s: Seconds that the token lives.
    """
    named = _number(body.get("refresh_in"))
    if named:
        return min(named, lives_s)
    return lives_s / 2 if lives_s >= LONG_LIFETIME_S else None


def body_of(response: Response) -> dict[str, JSON]:
    """Return the JSON object of a response; empty if it has none."""
    try:
        value = json.loads(response.text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def token_of(host: Host, response: Response) -> tuple[str, dict[str, JSON]]:
    """Return the token of a successful response, and the response as an object.

    Raises:
        UnexpectedAnswerError: It has none that could be sent in a header.
    """
    body = body_of(response)
    token, kind = body.get("access_token"), body.get("token_type") or "Bearer"
    is_usable = isinstance(token, str) and token != "" and token.isascii() and token.isprintable() and " " not in token
    if not is_usable or str(kind).lower() != "bearer":
        raise UnexpectedAnswerError(
            f"{_start(host.title)} answered with something other than a token.",
            remedy="Something other than its identity endpoint may answer: check the variables that name it.",
            host=shown_host(host.url),
            retryable=False,
        )
    return str(token), body


def refuse_other(
    host: Host, body: Mapping[str, JSON], token: str, *, resource: str, identity: Identity, authority: Authority
) -> None:
    """Check that a token is the one that was requested.

    Raises:
        SignInError: It is for another resource, of another identity, or of another tenant.
    """
    claims = decode_claims(token) or {}
    for found in (body.get("resource"), claims.get("aud")):
        # A resource that is named by its application id has an audience of another form.
        if isinstance(found, str) and "://" in found and "://" in resource and _plain(found) != _plain(resource):
            raise _other(f"{_start(host.title)} gave a token for {one_line(found, MAX_TEXT)}, not for {resource}.")
    answered = body.get(host.id_names.get(identity.kind, "")) or body.get("mi_res_id")
    if identity.kind == "client_id":
        answered = body.get("client_id") or body.get("clientid")
    is_other = isinstance(answered, str) and answered.casefold() != identity.id.casefold()
    # Older agents of Azure Arc ignore the id, and give the token of the machine.
    if identity.kind and (is_other or (host.name == "arc" and not answered)):
        raise _other(
            f"{_start(host.title)} gave the token of another identity than {identity}.",
            "Update the agent of Azure Arc: `azcmagent upgrade`." if host.name == "arc" else "",
        )
    tenant, known = claims.get("tid"), _known(authority)
    if is_guid(known) and isinstance(tenant, str) and tenant.lower() != known:
        raise _other(
            f"The managed identity belongs to the tenant {one_line(tenant, 40)}, not to {authority.tenant_id}.",
            "Leave `tenant_id` out: a managed identity has one tenant.",
        )


def failure(
    host: Host, response: Response, *, resource: str, identity: Identity, authority: Authority, client_id: str
) -> EntraError:
    """Return the error for a response that is not a success.

    Args:
        host: The host.
        response: The last response.
        resource: The resource of the request.
        identity: The identity of the request.
        authority: The authority of the connection.
        client_id: The app of the identity; empty if it is not known.
    """
    body = body_of(response)
    text = _text(body) or response.text
    for secret in host.secrets():
        text = text.replace(secret, MASK)
    shown = one_line(redact(text), MAX_TEXT).strip()
    if "AADSTS" in text:
        from entrakit.sign_in.errors import error_from

        return error_from(
            {"error": "invalid_grant", "error_description": text}, flow="managed identity",
            tenant=_known(authority) or "of the managed identity", client_id=client_id,
            authority=authority.cloud.authority, status=response.status, scopes=(f"{resource}/.default",),
        )  # fmt: skip
    low = text.lower()
    for part, problem in _FAILURES:
        if part in low:
            which = identity if identity.kind else "a managed identity"
            said = problem.format(host=_start(host.title), identity=which, resource=resource)
            return SignInError(
                said, remedy=_remedy(host, part, identity), error="invalid_request", description=shown,
                correlation_id=_correlation_id(body),
            )  # fmt: skip
    said = f": {shown}" if shown else "."
    if response.status == 429:
        return ThrottledError(
            f"{_start(host.title)} received too many requests for tokens (HTTP 429).",
            retry_after_s=retry_after(response),
            remedy="Wait and try again. Programs that save their connection under one `name` share its tokens.",
        )
    if may_pass(response.status) or response.status in host.passes:
        return ServiceUnavailableError(
            f"{_start(host.title)} gave no token (HTTP {response.status}){said}",
            remedy=f"Wait a little and try again. If it fails again, check the resource, {resource}. {host.repairs}",
            host=shown_host(host.url),
            correlation_id=_correlation_id(body),
        )
    return SignInError(
        f"{_start(host.title)} refused the request for a token (HTTP {response.status}){said}",
        remedy=host.repairs,
        error="invalid_request",
        description=shown,
        correlation_id=_correlation_id(body),
    )


def same_again(host: Host, claims: str) -> SignInError:
    """Return the error for a host that returns the token which the API has refused."""
    return SignInError(
        f"The API refused the token, and {host.title} returns the same one again: it keeps tokens until they expire.",
        remedy="Wait until the token has expired, at most 24 hours. No request to the host changes this.",
        error="claims_challenge",
        claims=claims,
    )


def _known(authority: Authority) -> str:
    """Return the tenant, if it is known; else an empty string."""
    return "" if authority.tenant_id in MANY_TENANTS else authority.tenant_id


def _remedy(host: Host, part: str, identity: Identity) -> str:
    if part.startswith("multiple"):
        return "Name one: `managed_identity='ID'`."
    if part == "invalid_resource":
        return "Check `resource`, and that the tenant has this API."
    if part.startswith("not a supported"):
        return "Select another way to sign in for this resource, such as `azure_cli=True`."
    if part == "unreachable":
        return "Select another way to sign in, such as `azure_cli=True`."
    also = f" Check the id, and `identity_type='{identity.kind}'`." if identity.kind else ""
    return f"{host.repairs}{also}"


def _text(body: Mapping[str, JSON]) -> str:
    """Return the words of a failure: those of an OAuth error, of an error of an API, or of App Service."""
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    names = ("code", "message") if isinstance(error, dict) else ("error", "error_description", "message", "Message")
    return ": ".join(str(inner[name]) for name in names if isinstance(inner.get(name), str) and inner[name])


def _correlation_id(body: Mapping[str, JSON]) -> str:
    """Return the id that App Service and Service Fabric give a failure, for support; empty if there is none."""
    error = body.get("error")
    found = (error if isinstance(error, dict) else body).get("correlationId")
    return one_line(redact(found), MAX_ID) if isinstance(found, str) else ""


def _other(problem: str, remedy: str = "") -> SignInError:
    remedy = remedy or "Try again; restart the host if it happens again."
    return SignInError(problem, remedy=remedy, error="invalid_token")


def _number(value: object) -> float | None:
    """Return a number, or one in a string, if it can be seconds; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds < 1e11 else None


def _date(value: object) -> float | None:
    """Return a date in seconds since 1970; without a time zone it is UTC."""
    text = value.strip() if isinstance(value, str) else ""
    for form in (*_DATES, ""):
        try:
            plain = text.removesuffix("+00:00").strip()
            found = datetime.strptime(plain, form).replace(tzinfo=UTC) if form else datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _plain(resource: str) -> str:
    return resource.rstrip("/").casefold()


def _start(title: str) -> str:
    return title[0].upper() + title[1:]
