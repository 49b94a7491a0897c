"""What is sent with an AADSTS number."""

from __future__ import annotations

from typing import NamedTuple


class ErrorKind(NamedTuple):
    """What is sent with a number.

    Args:
        error: OAuth 2.0 error.
        status: HTTP status at the token endpoint.
        text: Description, without the AADSTS number and the ids.
        suberror: Entra's finer reason, or empty.
        has_page: Whether the answer carries `error_uri`.
    """

    error: str
    status: int
    text: str
    suberror: str = ""
    has_page: bool = True
