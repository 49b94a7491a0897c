"""The coverage page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_coverage_tells_what_is_and_what_is_not(caller: Caller) -> None:
    """
    The page lists endpoints, grants, errors, faults, and everything that is refused or not checked.
    """
    caller.app_token(client_secret="wrong")

    told = caller.control("GET", "coverage").json()

    assert "/{tenant}/oauth2/v2.0/token" in told["endpoints"]
    assert "password" in told["grants"]
    assert [7000215] == told["errors_answered"]
    assert "/{tenant}/oauth2/token" in told["refused_endpoints"]
    assert told["not_checked"]
