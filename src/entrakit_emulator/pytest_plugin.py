"""pytest fixtures: a tenant for each test, on one server for the whole run.

Loaded by pytest itself where the distribution is installed. Nothing is imported before a test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator.tenant import Tenant


@pytest.fixture(scope="session")
def entra_tenant_server() -> Iterator[Tenant]:
    """The one server of a test run; ask for `entra_tenant` instead."""
    from entrakit_emulator import start

    with start() as tenant:
        yield tenant


@pytest.fixture
def entra_tenant(entra_tenant_server: Tenant) -> Iterator[Tenant]:
    """A tenant in its first state; what the test changes is undone."""
    entra_tenant_server.reset()
    yield entra_tenant_server
    entra_tenant_server.reset()
