"""Signing keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_keys_roll_over(caller: Caller) -> None:
    """
    A new key signs at once; the one before stays published, so that its tokens still verify.
    """
    before = caller.http.get("/common/discovery/keys").json()["keys"][0]["kid"]
    token = caller.password().json()["access_token"]

    caller.tenant.seed.rotate_keys()
    after = [key["kid"] for key in caller.http.get("/common/discovery/keys").json()["keys"]]

    assert before == after[1]
    assert 200 == caller.graph(token).status_code
