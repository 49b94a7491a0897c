"""Conversion of the token service's error bodies (RFC 6749, 5.2, with Entra's members) into errors of entrakit.

    {"error": "invalid_client", "error_description": "AADSTS7000215: … Trace ID: … Correlation ID: … Timestamp: …",
     "error_codes": [7000215], "suberror": …, "trace_id": …, "correlation_id": …, "timestamp": …, "claims": …}

Any member may be missing or have another type. A response that came through the browser has its ids in the description
only. The description is the service's text. It is kept without control characters and without the ids that it repeats,
and with the secrets of the request masked. Its first line is part of the problem if the number is not known, and so are
the scopes of the request if one of them is wrong.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from entrakit.errors import InteractionRequiredError, SignInError, ThrottledError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.redaction import MASK, redact
from entrakit.shown_text import one_line
from entrakit.sign_in.remedies import is_throttled, is_transient, known_codes, needs_user, remedy_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.errors import EntraError
    from entrakit.http.message import Response

MAX_TEXT = 2000
MAX_NAME = 100
NOTICEABLE_SKEW_S = 60.0

_CODE = re.compile(r"AADSTS([0-9]{1,9})(?![0-9])")
# The four parts are on separate lines or, since 2026, separated by one space.
_IDS = re.compile(r"\s(?:Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_ID = {
    "trace_id": re.compile(r"Trace ID: ([0-9A-Za-z-]{1,64})"),
    "correlation_id": re.compile(r"Correlation ID: ([0-9A-Za-z-]{1,64})"),
    "timestamp": re.compile(r"Timestamp: ([0-9-]{10} [0-9:]{8}Z?)"),
}
_TIME_CODES = (700024, 700027)
# A scope of the request is wrong.
_SCOPE_CODES = frozenset({28000, 28002, 28003, 50001, 70011, 500011, 650053, 700022, 700023, 1002012})
_NUMBER = re.compile(r"AADSTS[0-9]{1,9}: *")
MAX_LINE = 300


def error_from(
    body: Mapping[str, object],
    *,
    flow: str,
    tenant: str,
    client_id: str,
    authority: str,
    status: int = 400,
    retry_after_s: float | None = None,
    skew_s: float | None = None,
    hide: Sequence[str] = (),
    scopes: Sequence[str] = (),
) -> SignInError:
    """Return the error for an error response of the token service.

    Args:
        body: The JSON object of the response, or the parameters of a redirect.
        flow: The flow that failed; `refresh` for a silent renewal.
        tenant: The tenant of the request.
        client_id: The app of the request.
        authority: Origin of the token service.
        status: HTTP status of the response.
        retry_after_s: Seconds to wait, as the service says; None if it does not.
        skew_s: Seconds that the server's clock is ahead of this machine's; None if not measured.
        hide: Secrets of the request, which are masked in the text of the service.
        scopes: Scopes of the request.

    Returns:
        An InteractionRequiredError, a ThrottledError or a SignInError.
    """
    body = flat(body)
    error = _text(body.get("error"), hide)[:MAX_NAME]
    suberror = _text(body.get("suberror"), hide)[:MAX_NAME]
    raw = body.get("error_description")
    text = raw if isinstance(raw, str) else ""
    description = _text(_IDS.sub("", text), hide)
    code = _code(body, description)
    ids = {name: _text(body.get(name), hide)[:MAX_NAME] or _found(pattern, text) for name, pattern in _ID.items()}
    throttled = status == 429 or (is_throttled(error, code) and error != "slow_down")
    problem, remedy = remedy_for(
        code, error="temporarily_unavailable" if throttled else error, suberror=suberror, flow=flow, tenant=tenant,
        client_id=client_id, authority=authority,
    )  # fmt: skip
    # Polls of a device code get these two again and again.
    if error not in ("authorization_pending", "slow_down"):
        is_explained = code in known_codes() and error != "invalid_scope" and code not in _SCOPE_CODES
        words = "" if is_explained else _first_line(text, description)
        said = f" The service says (HTTP {status}): {words}" if words else "" if error or code else f" HTTP {status}."
        problem = f"{problem}{said}{_scopes_of(code, error, scopes)}"
    if throttled:
        if retry_after_s is not None and 0 < retry_after_s < float("inf"):
            remedy = f"Wait {retry_after_s:.0f} seconds, then try again."
        slow = ThrottledError(
            problem, retry_after_s=retry_after_s, remedy=remedy, correlation_id=ids["correlation_id"], code=code
        )
        slow.description, slow.trace_id, slow.timestamp = description, ids["trace_id"], ids["timestamp"]
        return slow
    if code in _TIME_CODES and skew_s is not None and NOTICEABLE_SKEW_S < abs(skew_s) < float("inf"):
        problem = f"{problem} {describe_skew(skew_s)}"
        remedy = f"Set this machine's clock. {remedy}"
    kind = InteractionRequiredError if needs_user(error, suberror, code, flow) else SignInError
    return kind(
        problem,
        remedy=remedy,
        error=error,
        suberror=suberror,
        code=code,
        description=description,
        claims=_claims(body.get("claims"), hide),
        retryable=is_transient(error, code),
        correlation_id=ids["correlation_id"],
        trace_id=ids["trace_id"],
        timestamp=ids["timestamp"],
    )


def describe_skew(skew_s: float) -> str:
    """Return a sentence about a wrong clock.

    Args:
        skew_s: Seconds that the server's clock is ahead of this machine's.
    """
    minutes = max(1, round(abs(skew_s) / 60))
    return f"This machine's clock is {minutes} minute{'s' * (minutes != 1)} {'behind' if skew_s > 0 else 'ahead'}."


def flat(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return an error body whose `error` is an object, as APIs have it, in the form of RFC 6749."""
    error = body.get("error")
    if not isinstance(error, dict):
        return body
    inner = {"error": error.get("code"), "error_description": error.get("message")}
    return {**inner, **{name: value for name, value in body.items() if name != "error"}}


def _first_line(text: str, description: str) -> str:
    """Return the first line of the service's text; without a secret that continues in the next line.

    Args:
        text: The text as received.
        description: The text as one safe line.
    """
    first = one_line(_IDS.sub("", text.strip()).partition("\n")[0])
    return _NUMBER.sub("", first if first in description else description)[:MAX_LINE]


def _scopes_of(code: int | None, error: str, scopes: Sequence[str]) -> str:
    """Return a sentence with the scopes of the request if one of them is wrong; else nothing."""
    is_wrong = error == "invalid_scope" or code in _SCOPE_CODES
    return f" Requested: {one_line(' '.join(scopes), MAX_LINE)}." if is_wrong and scopes else ""


def _code(body: Mapping[str, object], description: str) -> int | None:
    codes = body.get("error_codes")
    for code in codes if isinstance(codes, list) else []:
        if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 10**9:
            return code
        if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:
            return int(code) or None
    found = _CODE.search(description)
    return (int(found[1]) or None) if found else None


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _claims(value: object, hide: Sequence[str]) -> str:
    """Return the claims for the next request as JSON, serialized again; empty if they are not a JSON object."""
    if not isinstance(value, str) or len(value) > 4 * MAX_TEXT or _without(value, hide) != value:
        return ""
    try:
        claims = json.loads(value)
        return json.dumps(claims, separators=(",", ":")) if isinstance(claims, dict) else ""
    except (ValueError, RecursionError):
        return ""


def _text(value: object, hide: Sequence[str]) -> str:
    """Return a member as one line that is safe to print: no control, format or bidi characters, no secrets."""
    if not isinstance(value, str):
        return ""
    # Masked before it is cut, because half a secret would not be found; and again after invisible characters are gone.
    hidden = _without(value, hide)
    return redact(_without(one_line(hidden[: 4 * MAX_TEXT]), hide))[:MAX_TEXT]


def _without(text: str, hide: Sequence[str]) -> str:
    from urllib.parse import quote, quote_plus

    for secret in hide:
        # Shorter ones can't be distinguished from parts of words.
        if len(secret) > 3:
            encoded = [
                encode(secret, safe=safe, errors="surrogatepass")
                for encode in (quote, quote_plus)
                for safe in ("", "/")
            ]
            for form in (secret, " ".join(secret.split()) or secret, *encoded):
                text = text.replace(form, MASK)
    return text


def misunderstood(error: Exception | None, authority: str, correlation_id: str) -> EntraError:
    """Return the error for an answer that MSAL could not use.

    Args:
        error: Exception of MSAL; None if its result is not a token.
        authority: Origin of the token service.
        correlation_id: Id of the attempt.
    """
    if isinstance(error, RuntimeError) and "nonce" in str(error):
        return SignInError(
            "The ID token does not belong to this sign-in: its nonce is wrong.",
            remedy="Start again; if it happens again, somebody may be interfering with the sign-in.",
            error="invalid_nonce",
            correlation_id=correlation_id,
        )
    if isinstance(error, RuntimeError) and "RSTR" in str(error):
        return SignInError(
            "The federation service of this tenant refused the user name and password.",
            remedy="Check both, or sign in with a browser: it follows the federation's own pages.",
            error="access_denied",
            correlation_id=correlation_id,
        )
    host = shown_host(authority)
    return UnexpectedAnswerError(
        f"The answer of {host} is not the answer of a token service.",
        remedy="Check the cloud that you named, and whether a proxy answers instead of the token service.",
        host=host,
        correlation_id=correlation_id,
        retryable=False,
    )


def not_json(answer: Response) -> UnexpectedAnswerError:
    """Return the error for an answer of a token service that is not a JSON object."""
    page = "<html" in answer.text[:4096].lower() or answer.media_type == "text/html"
    host = shown_host(answer.request.url)
    return UnexpectedAnswerError(
        f"{host} answered with {'a web page' if page else 'something else'} instead of a token (HTTP {answer.status}).",
        remedy="This network may require you to sign in first (captive portal), or a proxy answers for the service: "
        "open a page in a browser, then try again.",
        host=host,
        correlation_id=answer.request.client_request_id,
    )
