"""HTML pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_pages_are_closed_to_everything_else(caller: Caller, mode: str) -> None:
    """
    Pages have a strict policy, no external files, no frames, no referrer and no cache (checklist D 10, 11).
    """
    response = caller.http.get(caller.authorize_url(response_mode=mode, redirect_uri="http://localhost:4711"))
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert "form-action 'self' http://localhost:4711;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy
    assert [] == re.findall(r'(?:src|href)="', response.text)
    assert "no-store" in response.headers["cache-control"]
    assert "same-origin" == response.headers["referrer-policy"]
