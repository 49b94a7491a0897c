"""Keeping secrets out of logs: what looks like one is masked in every record, arguments and tracebacks included.

    PEM                -----BEGIN … PRIVATE KEY----- to its end
    JOSE               three or five parts of base64url that begin as a JSON object does (RFC 7515, RFC 7516)
    opaque             codes and refresh tokens of Entra, by how they begin
    header             Authorization, Cookie, Set-Cookie, and any scheme with a credential
    name and value     form, query, JSON, Python's repr, keyword arguments, XML

It errs to the safe side: a harmless word that stands where a secret stands goes too. User names stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

MASK = "[…]"

# Names whose value is a secret wherever it stands.
_SECRET = (
    "access_token|refresh_token|id_token|subject_token|client_secret|client_assertion|assertion|password|passwd|"
    "passphrase|private_key|code_verifier|device_code|client_info"
)
# Names that are words of plain text too: their value is masked after `=`, or where the name is in quotes.
_PARAMETERS = f"{_SECRET}|session_state|state|nonce|code|x-ms-refreshtokencredential"
_HEADERS = "set-cookie|cookie|authorization|proxy-authorization"

# A name is not the end of a longer one (`error_code`), though it may follow a percent-encoded character. The number
# of an error in the service's own lookup address is no authorization code.
_START = r"(?:(?<![A-Za-z0-9_])(?<!/error\?)|(?<=%[0-9A-Fa-f]{2}))"
_QUOTED = r"""(?:"(?:[^"\\\r\n]|\\.)*+\\?"?|'(?:[^'\\\r\n]|\\.)*+\\?'?)"""

# Hostile text costs linear time: every repetition is possessive, bounded, or ends where the match ends, and nothing
# can begin inside of what was scanned in vain.
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


# Variables that hold a secret; programs that we start get none of them.
SECRET_VARIABLES = frozenset({
    "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "ENTRAKIT_EXPORT_PASSPHRASE",
    "ENTRAKIT_VAULT", "ENTRAKIT_VAULT_KEY", "ENTRAKIT_VAULT_OLD_KEY",
})  # fmt: skip


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for another program: ours, without the variables that hold a secret."""
    return {name: value for name, value in environ.items() if name not in SECRET_VARIABLES}


def redact(text: str) -> str:
    """Return a text with all that looks like a secret masked: tokens, codes, passwords, assertions, keys, cookies.

    Args:
        text: Anything: a log line, a traceback, a body, an address.
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
    """Return the message; where it does not fit its arguments, without them."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a log line never stops a program, and a filter runs outside logging's own net
        return f"{record.msg} (its arguments don't fit)" if isinstance(record.msg, str) else "(can't be shown)"
