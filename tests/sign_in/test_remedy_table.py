"""Table of the errors of the token service: each entry is complete."""

from __future__ import annotations

import re

import pytest

from entrakit.sign_in.remedies import known_codes, remedy_for
from entrakit.sign_in.remedy_table import BY_ERROR, BY_SUBERROR, TABLE

TENANT = "contoso.com"


CLIENT = "3f1c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"


AUTHORITY = "https://login.microsoftonline.com"


FLOWS = ("browser", "devicecode", "certificate", "secret", "password", "refresh", "discovery", "on_behalf_of")


def test_many_numbers_have_words() -> None:
    """
    At least 90 numbers are explained, each once (issue 2, section 6).
    """
    numbers = [code for codes, _, _ in TABLE for code in codes]

    assert len(numbers) >= 90
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) == known_codes()


@pytest.mark.parametrize("flow", FLOWS)
def test_each_explanation_is_whole(flow: str) -> None:
    """
    For every number, suberror and error, the problem is a sentence, and the remedy is complete without placeholders.
    """
    cases = [
        *((code, "invalid_grant", "") for code in known_codes()),
        *((None, "invalid_grant", suberror) for suberror in BY_SUBERROR),
        *((None, error, "") for error in BY_ERROR),
        (123, "", ""),
        (None, "", ""),
    ]

    for code, error, suberror in cases:
        found = remedy_for(
            code, error=error, suberror=suberror, flow=flow, tenant=TENANT, client_id=CLIENT, authority=AUTHORITY
        )
        assert re.fullmatch(r"\S.{8,}\.", found.problem), found
        assert re.fullmatch(r"[A-Z][^{}]{8,}", found.remedy), found
        assert found.remedy[-1] in ".?`" or found.remedy.split()[-1].startswith("https://"), found
        assert "  " not in found.problem + found.remedy
