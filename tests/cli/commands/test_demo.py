"""`entra demo`: all five flows on the embedded tenant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrakit_emulator import faults

if TYPE_CHECKING:
    import pytest
    from tests.cli.conftest import Command


def test_demo_is_green(entra: Command) -> None:
    """
    All five flows sign in on the embedded tenant, and each token is used once.
    """
    result = entra("demo", "--no-browser", "--json")

    rows = json.loads(result.output)
    assert 0 == result.code, result.error
    assert ["browser", "device code", "certificate", "secret", "password"] == [row["flow"] for row in rows]
    assert all(row["result"].startswith("ok") for row in rows)


def test_a_demo_that_fails_says_where(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A flow that fails is a row with its reason, and the exit code is not 0.
    """
    from entrakit.cli.commands import demo

    entra.tenant.faults.add(faults.Refusal(endpoint="token", code=53003, times=None))
    entra.tenant.clock.reset()
    monkeypatch.setattr(demo, "start", lambda: entra.tenant)
    monkeypatch.setattr(entra.tenant, "stop", lambda: None, raising=False)
    entra.tenant.seed.change_settings({"device_interval_s": 1})

    result = entra("demo", "--no-browser")

    assert 1 == result.code
    assert 5 == result.output.count("failed: The tenant's conditional access policy")
    assert "failed: HTTP 403" == demo._described(403, "{}")
