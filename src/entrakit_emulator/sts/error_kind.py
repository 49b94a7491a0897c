"""The fields of an error that belong to its AADSTS number."""

from __future__ import annotations

from typing import NamedTuple


class ErrorKind(NamedTuple):
    """The fields of an error with a certain number.

    Args:
        error: OAuth 2.0 error.
        status: HTTP status at the token endpoint.
        text: Description, without the AADSTS number and the ids.
        suberror: Suberror; empty if there is none.
        has_page: Whether the answer contains `error_uri`.
    """

    error: str
    status: int
    text: str
    suberror: str = ""
    has_page: bool = True
