"""Claims challenges: JSON or base64 of an object of objects, and nothing else."""

from __future__ import annotations

import pytest

from entrakit.errors import (
    ParameterError,
)
from entrakit.tokens.claims_challenge import parse_claims


@pytest.mark.parametrize("text", ["", "x", "[]", "bm90IGpzb24", "{", "e30=e30="])
def test_what_is_no_challenge_is_refused(text: str) -> None:
    """
    A challenge is a JSON object, plain or in base64.
    """
    if text:
        with pytest.raises(ParameterError):
            parse_claims(text)
    assert "{}" == parse_claims("e30")


@pytest.mark.parametrize("claims", ['{"access_token": []}', '{"access_token": null}', '{"id_token": 1}'])
def test_members_of_a_challenge_are_objects(claims: str) -> None:
    """
    A challenge of another shape is refused before it is merged with the client's claims.
    """
    with pytest.raises(ParameterError):
        parse_claims(claims)
