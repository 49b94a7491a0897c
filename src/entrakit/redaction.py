"""Removal of secrets from logs: values that look like secrets are masked in every record, with its traceback.

    PEM                -----BEGIN … PRIVATE KEY----- to its end
    JOSE               three or five parts of base64url that begin like a JSON object (RFC 7515, RFC 7516)
    opaque             codes and refresh tokens of Entra, by their first characters
    header             Authorization, Cookie, Set-Cookie, and any scheme with a credential
    name and value     form, query, JSON, Python's repr, keyword arguments, XML

A harmless word in the place of a secret is masked, too. User names are not masked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

MASK = "[…]"

# Names that always have a secret value.
_SECRET = (
    "access_token|refresh_token|id_token|subject_token|client_secret|client_assertion|assertion|password|passwd|"
    "passphrase|private_key|code_verifier|device_code|client_info"
)
# Names that are ordinary words, too: their value is masked after `=`, or if the name is in quotes.
_PARAMETERS = f"{_SECRET}|session_state|state|nonce|code|x-ms-refreshtokencredential"
_HEADERS = "set-cookie|cookie|authorization|proxy-authorization"

# A name is not the end of a longer one (`error_code`), though it may follow a percent-encoded character. The number
# of an error in the service's lookup address is not an authorization code.
_START = r"(?:(?<![A-Za-z0-9_])(?<!/error\?)|(?<=%[0-9A-Fa-f]{2}))"
_QUOTED = r"""(?:"(?:[^"\\\r\n]|\\.)*+\\?"?|'(?:[^'\\\r\n]|\\.)*+\\?'?)"""

# Hostile text costs linear time: every repetition is possessive, bounded, or ends where the match ends, and nothing
# can begin inside text that was scanned without a match.
_PATTERNS = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}+(?:\.[\w-]*+){0,4}", re.ASCII), MASK),
    (re.compile(r"(?<![\w-])e[wy][\w-]{15,}+(?:\.[\w-]*+){2,4}", re.ASCII), MASK),
    (re.compile(r"(?<![\w.-])[01M]\.[AC][\w.!*$-]{30,}+", re.ASCII), MASK),
    (re.compile(r"\b(Bearer|Basic|PoP)(?:[ \t]|%20|\+)+[\w.~+/=-]++", re.IGNORECASE | re.ASCII), rf"\1 {MASK}"),
    # "name": "value", 'name': b'value', ('name', 'value'), {\"name\":\"value\"}, 'name': ['value']
    (
        re.compile(
            rf"""((?:\\?["'])(?:{_PARAMETERS}|{_HEADERS})\\?["'][ \t]{{0,8}}[:=,][ \t]{{0,8}}[\[(]?)"""
            rf"""b?(?:\\"[^"\\\r\n]*+(?:\\"|"|\\)?|{_QUOTED})""",
            re.IGNORECASE,
        ),
        rf'\1"{MASK}"',
    ),
    # "password": 123456
    (
        re.compile(
            rf"""((?:\\?["'])(?:{_SECRET})\\?["'][ \t]{{0,8}}[:=,][ \t]{{0,8}})[^\s"'\\\[\](){{}},]++""",
            re.IGNORECASE,
        ),
        rf'\1"{MASK}"',
    ),
    (
        re.compile(rf"""{_START}({_PARAMETERS})(=|%3D)b?(?:{_QUOTED}|[^&\s"'<>]++)""", re.IGNORECASE),
        rf"\1\2{MASK}",
    ),
    (re.compile(rf"{_START}({_SECRET}):[ \t]{{0,8}}[^\s,;]++", re.IGNORECASE), rf"\1: {MASK}"),
    (re.compile(rf"\b({_HEADERS}):[ \t]{{0,8}}[^\r\n]++", re.IGNORECASE), rf"\1: {MASK}"),
    (re.compile(r"(<(?:\w{1,20}:)?password\b[^<>]{0,200}+>)[^<]++", re.IGNORECASE), rf"\1{MASK}"),
)


def redact(text: str) -> str:
    """Mask everything in a string that looks like a secret: tokens, codes, passwords, assertions, keys, cookies.

    Args:
        text: Any string, such as a log line, a traceback, a body or an address.
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redacting_filter() -> logging.Filter:
    """Return a filter for a logging handler that masks secrets in messages, arguments, tracebacks and stacks.

    A function, so that importing this module does not load `logging`.
    """
    import logging

    class RedactingFilter(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.msg = redact(_message(record))
            record.args = None
            if record.exc_info:
                record.exc_text = logging.Formatter().formatException(record.exc_info)
                record.exc_info = None
            if record.exc_text:
                record.exc_text = redact(record.exc_text)
            if record.stack_info:
                record.stack_info = redact(record.stack_info)
            return True

    return RedactingFilter()


def _message(record: logging.LogRecord) -> str:
    """Return the message; if it does not fit its arguments, without them."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a log line never stops a program, and logging does not catch errors of a filter
        return f"{record.msg} (its arguments don't fit)" if isinstance(record.msg, str) else "(can't be shown)"
