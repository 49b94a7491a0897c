"""Claims challenges (OpenID Connect Core 1.0, 5.5): the claims that an API requires in the next token.

Microsoft Graph sends them in a `WWW-Authenticate` header, in base64; the token service takes them as JSON.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLAIMS = re.compile(r'(?:^|[\s,])claims\s*=\s*(?:"([^"]*)"|([^\s",]+))', re.IGNORECASE)
_LONGEST = 16 * 1024


def parse_claims(text: str) -> str:
    """Return a claims challenge as JSON.

    Args:
        text: A JSON object, as it is or in base64 or base64url, padded or not. Microsoft Graph sends base64 in a
            `WWW-Authenticate` header.

    Raises:
        ParameterError: The string is neither.
    """
    for candidate in _readings(text):
        try:
            claims = json.loads(candidate)
            if isinstance(claims, dict) and all(isinstance(member, dict) for member in claims.values()):
                return candidate
        except (ValueError, RecursionError):
            continue
    raise ParameterError(
        "The claims challenge is not the JSON text of an object.",
        remedy='Pass on what the API sent in claims="…" of its WWW-Authenticate header.',
    )


def _readings(text: str) -> Iterator[str]:
    yield text
    try:
        yield base64url.decode(text.strip()).decode()
    except ValueError:
        return


def merged_claims(challenge: str, *, cae: bool) -> str:
    """Return the `claims` parameter: an API's challenge, and the client's support for such challenges (CAE).

    Args:
        challenge: The challenge, as JSON; empty if none.
        cae: Announce that claims challenges are handled, so that tokens may live longer.
    """
    if not cae:
        return challenge
    claims = json.loads(challenge) if challenge else {}
    claims.setdefault("access_token", {}).setdefault("xms_cc", {"values": ["CP1"]})
    return json.dumps(claims)


def challenge_header(claims: str) -> str:
    """Return the `WWW-Authenticate` header with which a web API passes a claims challenge on to its caller.

    Args:
        claims: The challenge, as JSON, such as `InteractionRequiredError.claims`; empty for none.
    """
    if not claims:
        return 'Bearer error="invalid_token"'
    return f'Bearer error="insufficient_claims", claims="{b64encode(claims.encode()).decode()}"'


def challenge_in(header: str) -> str:
    """Return the claims challenge of a `WWW-Authenticate` header as JSON (RFC 6750, 3); empty if it has none.

    Args:
        header: Value of the header; it may contain several challenges.
    """
    for found in _CLAIMS.finditer(header[:_LONGEST]):
        try:
            return parse_claims(found[1] or found[2])
        except ParameterError:
            continue
    return ""
