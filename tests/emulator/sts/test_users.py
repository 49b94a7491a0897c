"""Checks of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import at_password, send, signed_in

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

ASSIGNED = "c3e66176-09f5-4bfa-b91b-508b6cd98062"


@pytest.mark.parametrize(
    ("user", "typed", "words"),
    [
        ("normal", "wrong", "The password is wrong"),
        ("normal", "", "The password is wrong"),
        ("disabled", "", "disabled"),
        ("locked", "", "locked"),
        ("expired", "", "expired"),
        ("blocked", "", "policy"),
        ("passwordless", "x", "no password"),
    ],
)
def test_who_may_not_sign_in_is_told(caller: Caller, user: str, typed: str, words: str) -> None:
    """
    An account that can't sign in gets a page with the reason.
    """
    password = typed if typed or user == "normal" else getattr(caller.tenant.users, user).password

    page = send(caller, at_password(caller, user), passwd=password)

    assert words in read(page.text).message
    assert "Enter your password" == read(page.text).heading


def test_who_is_not_assigned_is_told(caller: Caller) -> None:
    """
    An app that requires assignment refuses other users (AADSTS50105).
    """
    assert "not assigned" in read(signed_in(caller, client_id=ASSIGNED).text).message
    assert "code" in caller.answer(caller.tenant.person(caller.tenant.users.mfa), client_id=ASSIGNED)
