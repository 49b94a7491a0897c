"""The token service's error body (RFC 6749, 5.2, with Entra's members), turned into an error of the tree.

    {"error": "invalid_client", "error_description": "AADSTS7000215: … Trace ID: … Correlation ID: … Timestamp: …",
     "error_codes": [7000215], "suberror": …, "trace_id": …, "correlation_id": …, "timestamp": …, "claims": …}

Any member may be missing or of another type. The description is the service's text: it is shown only with `-v`,
without control characters, without the ids that it repeats, and with our own secrets masked.
"""

from __future__ import annotations

import re
import unicodedata

from entrakit.errors import InteractionRequiredError, SignInError, ThrottledError
from entrakit.redaction import redact
from entrakit.remedies import THROTTLING_ERRORS, needs_person, remedy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_TEXT = 2000
NOTICEABLE_SKEW_S = 60.0

_CODE = re.compile(r"AADSTS(\d{1,9})")
_IDS = re.compile(r"(?:\r\n|\s)(?:Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_TIME_CODES = (700024, 700027)


def error_from(
    body: Mapping[str, object], *, flow: str, tenant: str, client_id: str, authority: str, status: int = 400,
    retry_after_s: float | None = None, skew_s: float | None = None, hide: Sequence[str] = (), reconnect: str = "",
) -> SignInError:  # fmt: skip
    """Return the error that a refusal of the token service stands for.

    Args:
        body: The answer's JSON object.
        flow: The flow that asked; `refresh` for a silent renewal.
        tenant: The tenant that was asked.
        client_id: The app that asked.
        authority: Origin of the token service.
        status: HTTP status of the answer.
        retry_after_s: Seconds that the service asks to wait.
        skew_s: How far the server's clock is ahead of ours, if that was measured.
        hide: Our own secrets, masked where the service repeats them.
        reconnect: The command that signs in anew.

    Returns:
        An InteractionRequiredError, a ThrottledError or a SignInError.
    """
    error = _text(body.get("error"), hide)[:100]
    suberror = _text(body.get("suberror"), hide)[:100]
    raw = body.get("error_description")
    description = _text(_IDS.sub("", raw) if isinstance(raw, str) else "", hide)
    code = _code(body, description)
    problem, remedy = remedy_for(
        code, error=error, flow=flow, tenant=tenant, client_id=client_id, authority=authority, reconnect=reconnect
    )
    correlation_id = _text(body.get("correlation_id"), hide)[:100]
    if status == 429 or (error in THROTTLING_ERRORS and error != "slow_down"):
        return ThrottledError(
            problem, retry_after_s=retry_after_s, remedy=remedy, correlation_id=correlation_id, code=code
        )
    if code in _TIME_CODES and skew_s is not None and abs(skew_s) > NOTICEABLE_SKEW_S:
        problem = f"{problem} {describe_skew(skew_s)}"
        remedy = f"Set this machine's clock. {remedy}"
    kind = InteractionRequiredError if needs_person(error, suberror, code, flow) else SignInError
    claims = body.get("claims")
    return kind(
        problem,
        remedy=remedy,
        error=error,
        suberror=suberror,
        code=code,
        description=description,
        correlation_id=correlation_id,
        trace_id=_text(body.get("trace_id"), hide)[:100],
        timestamp=_text(body.get("timestamp"), hide)[:100],
        claims=claims[:MAX_TEXT] if isinstance(claims, str) else "",
    )


def describe_skew(skew_s: float) -> str:
    """Return a sentence on a clock that is off.

    Args:
        skew_s: How far the server's clock is ahead of ours, in seconds.
    """
    minutes = max(1, round(abs(skew_s) / 60))
    return f"This machine's clock is {minutes} minute{'s' * (minutes != 1)} {'behind' if skew_s > 0 else 'ahead'}."


def _code(body: Mapping[str, object], description: str) -> int | None:
    codes = body.get("error_codes")
    for code in codes if isinstance(codes, list) else []:
        if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 10**9:
            return code
        if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:
            return int(code)
    found = _CODE.search(description)
    return int(found[1]) if found else None


def _text(value: object, hide: Sequence[str]) -> str:
    """Return a member as one line that is safe to print: no control, format or bidi characters, nothing of ours."""
    if not isinstance(value, str):
        return ""
    # Masked before it is cut: a secret that is cut in two would not be found.
    for secret in hide:
        if len(secret) > 3:
            value = value.replace(secret, "[…]")
    line = " ".join(value[: 4 * MAX_TEXT].split())
    safe = "".join(letter for letter in line if unicodedata.category(letter)[0] != "C")
    return redact(safe)[:MAX_TEXT]
