"""Keeping secrets out of logs: what looks like one is masked in every record, arguments and tracebacks included."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging

MASK = "[…]"

_NAMES = (
    "access_token|refresh_token|id_token|client_secret|client_assertion|assertion|password|passwd|code_verifier|"
    "device_code|client_info|session_state|state|nonce|code|cookie|set-cookie|authorization|proxy-authorization"
)

# Each part is bounded or excludes what follows it, so that hostile text costs linear time.
_PATTERNS = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"),
        MASK,
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}"), MASK),
    (re.compile(r"\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(rf"""(["'](?:{_NAMES})["'] *[:=] *)("[^"\r\n]*"|'[^'\r\n]*')""", re.IGNORECASE), rf'\1"{MASK}"'),
    (re.compile(rf"\b({_NAMES})=[^&\s\"'<>]+", re.IGNORECASE), rf"\1={MASK}"),
    (re.compile(r"\b(set-cookie|cookie|authorization|proxy-authorization): *[^\r\n]+", re.IGNORECASE), rf"\1: {MASK}"),
)


def redact(text: str) -> str:
    """Return a text with all that looks like a secret masked: tokens, codes, passwords, assertions, keys, cookies."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redacting_filter() -> logging.Filter:
    """Return a filter for a logging handler that masks secrets in messages, arguments and exception texts."""
    import logging

    class Redacting(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.msg = redact(record.getMessage())
            record.args = None
            if record.exc_info:
                record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
            return True

    return Redacting()
