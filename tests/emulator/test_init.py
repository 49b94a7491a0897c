"""The package: lazy imports and public names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import entrakit_emulator

HEAVY = {"asyncio", "cryptography", "dataclasses", "logging", "ssl", "starlette", "uvicorn"}


def test_importing_the_package_is_light() -> None:
    """
    Every start of pytest imports the package and its plugin, so neither imports heavy modules.
    """
    program = "import sys; before = set(sys.modules); import entrakit_emulator; print(*set(sys.modules) - before)"

    loaded = subprocess.run(
        [sys.executable, "-c", program],
        check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout.split()  # fmt: skip

    assert set() == HEAVY & set(loaded)


def test_the_public_names_are_there() -> None:
    """
    `__all__` has all public names; another name is an AttributeError.
    """
    assert [True] * 2 == [hasattr(entrakit_emulator, name) for name in entrakit_emulator.__all__]
    assert entrakit_emulator.Tenant.__name__ == "Tenant"
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        entrakit_emulator.nothing_of_that_name  # noqa: B018
