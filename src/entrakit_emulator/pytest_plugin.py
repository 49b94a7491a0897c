"""pytest fixtures: a tenant for each test, on one server for the whole run.

pytest loads this plugin in every installation that has the distribution. Nothing else is imported until a test requests
the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator.tenant import Tenant


@pytest.fixture(scope="session")
def entra_tenant_server() -> Iterator[Tenant]:
    """The one server of a test run. Tests request `entra_tenant` instead."""
    from entrakit_emulator import start

    with start() as tenant:
        yield tenant


@pytest.fixture
def entra_tenant(entra_tenant_server: Tenant) -> Iterator[Tenant]:
    """A tenant in its first state. Changes are undone after the test."""
    entra_tenant_server.reset()
    yield entra_tenant_server
    entra_tenant_server.reset()
