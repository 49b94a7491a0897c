"""Permissions of a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.graph.conftest import Graph

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"), ("POST", "/users"), ("GET", "/groups"), ("DELETE", "/groups/x"), ("GET", "/applications"),
        ("GET", "/subscribedSkus"), ("POST", "/groups/x/members/$ref"), ("GET", "/users/delta"),
    ],
)  # fmt: skip
def test_permissions_decide(caller: Caller, method: str, path: str) -> None:
    """
    A request without a sufficient permission gets 403 before its object is read.
    """
    expected = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    token = caller.app_token(client_id=caller.tenant.vault_client, client_secret=caller.tenant.vault_client_secret)
    graph = Graph(caller, token.json()["access_token"])

    assert expected == graph.refusal(path, method, {} if method == "POST" else None)
