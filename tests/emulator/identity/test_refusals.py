"""Errors of hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program

KEYS = {
    "imds": {"error", "error_description", "error_codes"},
    "arc": {"error", "error_description", "error_codes"},
    "service_fabric": {"error"},
    "cloud_shell": {"error"},
    "app_service": {"statusCode", "message", "correlationId"},
    "container_apps": {"statusCode", "message", "correlationId"},
    "azure_ml": {"statusCode", "message", "correlationId"},
}


@pytest.mark.parametrize("kind", faults.HOSTS)
def test_each_host_has_its_form(caller: Caller, on: Callable[..., Program], kind: str) -> None:
    """
    A requested failure has the form of the host's own errors, and the journal has its code.
    """
    caller.tenant.faults.add(faults.Failure(endpoint=kind, status=503))

    response = on(kind).ask()

    assert (503, KEYS[kind]) == (response.status_code, set(response.json()))
    assert ["unavailable"] == [entry.error for entry in caller.tenant.journal.of(kind)]
