"""Fixtures for the tests of the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.vault.keys import kernel

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def without_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid the kernel's keyring, as a container does."""

    def none() -> Callable[..., int] | None:
        return None

    monkeypatch.setattr(kernel, "_system_call", none)
