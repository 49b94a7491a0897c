"""Codes, refresh tokens and the other tickets of sign-ins."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from entrakit_emulator.state.tickets import Session, Subject, new_ticket


def test_tickets_are_long_unique_and_safe_in_an_address() -> None:
    """
    Each ticket is a new value after its prefix, in the alphabet of base64url and with at least 256 random characters.
    """
    made = [new_ticket("1.A") for _ in range(100)]

    assert 100 == len(set(made))
    assert [] == [one for one in made if not re.fullmatch(r"1\.A[A-Za-z0-9_-]{256,}", one)]


def test_a_sign_in_does_not_change() -> None:
    """
    A completed sign-in can't be changed, so tokens that share it can't affect each other.
    """
    subject = Subject("user", "tenant", 0.0, ("pwd",), "session")

    with pytest.raises(FrozenInstanceError):
        subject.user_id = "other"  # type: ignore[misc] # on purpose


def test_each_browser_session_has_its_own_sign_ins() -> None:
    """
    A sign-in in one browser session is not one in another.
    """
    one, other = Session(), Session()
    one.subjects["user"] = Subject("user", "tenant", 0.0, ("pwd",), "session")

    assert {} == other.subjects
