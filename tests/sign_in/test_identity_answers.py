"""The expiry in answers of identity endpoints, in all forms that hosts use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from entrakit.sign_in.identity_answers import lifetime, refresh_in

NOW = 1_800_000_000.0
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(), some.lists, max_leaves=3
)


@pytest.mark.parametrize(
    ("body", "lives_s"),
    [
        ({"expires_in": "3599"}, 3599), ({"expires_in": 3599}, 3599), ({"expires_in": 3599.5}, 3599.5),
        ({"expires_on": str(int(NOW + 60))}, 60), ({"expires_on": int(NOW + 60)}, 60),
        ({"expires_on": "1/15/2027 8:01:00 AM +00:00"}, 60), ({"expires_on": "01/15/2027 08:01:00 +00:00"}, 60),
        ({"expires_on": "1/15/2027 8:01:00 PM +00:00"}, 60 + 12 * 3600),
        ({"expires_on": "2027-01-15T08:01:00Z"}, 60), ({"expires_on": "2027-01-15T09:01:00+01:00"}, 60),
        ({"expires_on": "2027-01-15 08:01:00"}, 60), ({"expires_on": str(int(NOW - 60))}, -60),
        ({"expires_in": "3599", "expires_on": str(int(NOW + 60))}, 60),
        ({"expires_in": "60", "expires_on": str(int(NOW + 3599))}, 60),
        ({"expires_in": None, "expires_on": str(int(NOW + 60))}, 60),
        ({}, None), ({"expires_in": None}, None), ({"expires_on": "soon"}, None), ({"expires_on": ""}, None),
        ({"expires_in": True}, None), ({"expires_in": "nan"}, None), ({"expires_in": "-1"}, None),
        ({"expires_in": 1e400}, None), ({"expires_in": "1" * 400}, None), ({"expires_in": [60]}, None),
        ({"expires_in": "60", "expires_on": "soon"}, None), ({"expires_in": 10**400}, None),
    ],
)  # fmt: skip
def test_each_form_of_the_expiry(body: dict[str, object], lives_s: float | None) -> None:
    """
    Seconds as number or string, a time since 1970, a date of Windows, of Linux or of ISO 8601. Of two, the earlier
    counts. Anything else is not an expiry.
    """
    assert lives_s == lifetime(body, NOW)  # type: ignore[arg-type] # also what JSON can't have


@given(JSON, JSON, JSON)
def test_no_expiry_is_too_strange(one: object, other: object, third: object) -> None:
    """
    For every value in the answer, the result is a number or None.
    """
    body = {"expires_in": one, "expires_on": other, "refresh_in": third}

    assert isinstance(lifetime(body, NOW), float | None)  # type: ignore[arg-type] # as above
    assert isinstance(refresh_in(body, 7200.0), float | None)  # type: ignore[arg-type] # as above


@pytest.mark.parametrize(
    ("body", "lives_s", "after_s"),
    [({}, 86400, 43200), ({}, 7199, None), ({"refresh_in": "600"}, 3600, 600), ({"refresh_in": 9999}, 3600, 3600),
     ({"refresh_in": "soon"}, 3600, None), ({"refresh_in": 0}, 86400, 43200)],
)  # fmt: skip
def test_when_a_token_is_renewed(body: dict[str, object], lives_s: float, after_s: float | None) -> None:
    """
    When the host says, else at half of a long life.
    """
    assert after_s == refresh_in(body, lives_s)  # type: ignore[arg-type] # as above
