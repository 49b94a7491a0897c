"""The tenant's clock."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


class Stopped:
    """A stopped clock."""

    def time(self) -> float:
        return 1_000_000_000.0


def test_the_date_header_follows_the_clock(caller: Caller) -> None:
    """
    `Date` is the tenant's time, so that a client can compare its own clock with it.
    """
    caller.tenant.clock.follow(Stopped())
    caller.tenant.clock.set_offset(7)

    response = caller.http.get("/common/discovery/keys")

    assert 1_000_000_007.0 == parsedate_to_datetime(response.headers["date"]).timestamp()


def test_tokens_are_dated_by_the_clock(caller: Caller) -> None:
    """
    Tokens carry the tenant's time, dated back five minutes as the service does.
    """
    caller.tenant.clock.follow(Stopped())

    answer = caller.app_token().json()
    claims = caller.claims(answer["access_token"])

    assert 1_000_000_000 - 300 == claims["iat"] == claims["nbf"]
    assert 1_000_000_000 + answer["expires_in"] == claims["exp"]


def test_reset_sets_the_clock_right(caller: Caller) -> None:
    """
    A reset restores source and offset.
    """
    caller.tenant.clock.follow(Stopped())
    caller.tenant.clock.advance(-3600)

    caller.tenant.reset()

    assert abs(caller.tenant.clock.now() - time.time()) < 60
