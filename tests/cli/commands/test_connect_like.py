"""`entra connect --like`: the sign-in of a saved connection serves another one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command

RESOURCE = "https://vault.azure.net"


def test_a_saved_connection_makes_another(connected: Command) -> None:
    """
    App, tenant, cloud and trusted certificates are those of the other connection; neither ids nor a credential are
    given. An error is explained with options.
    """
    made = connected("connect", "--like", "default", "--name", "other")
    same = connected("connect", "--like", "default")
    missing = connected("connect", "--like", "nowhere", "--name", "other")
    both = connected("connect", "--like", "default", "--name", "other", "--device-code")

    assert 0 == made.code, made.error
    assert ["default", "other"] == [one["name"] for one in json.loads(connected("status", "--json").output)]
    assert 0 == connected("token", "--name", "other", "--min-validity", "10m").code
    assert (2, True) == (same.code, "Give another --name." in same.error), same.error
    assert 3 == missing.code, missing.error
    assert (2, True) == (both.code, "--device-code and --like" in both.error), both.error
