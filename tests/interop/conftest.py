"""A tenant for clients of other projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant


@pytest.fixture(scope="session")
def interop_server() -> Iterator[Tenant]:
    """The one server of the run."""
    with start() as tenant:
        yield tenant


@pytest.fixture
def tenant(interop_server: Tenant) -> Tenant:
    """A tenant in its first state, whose devices may poll every second."""
    interop_server.reset()
    interop_server.seed.change_settings({"device_interval_s": 1})
    return interop_server
