"""The package: lazy imports and public names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import entrakit_emulator
from entrakit_emulator import start

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


@pytest.mark.parametrize(("port", "users"), [(80000, 0), (-1, 0), (0, -1)])
def test_numbers_out_of_range_are_named(port: int, users: int) -> None:
    """
    A port or a number of users that can't be is a ValueError, before anything is opened.
    """
    with pytest.raises(ValueError, match=rf"^{port or users} is not a "):
        start(port=port, users=users)


def test_the_public_names_are_there() -> None:
    """
    `__all__` has all public names; another name is an AttributeError.
    """
    assert [True] * 2 == [hasattr(entrakit_emulator, name) for name in entrakit_emulator.__all__]
    assert entrakit_emulator.Tenant.__name__ == "Tenant"
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        entrakit_emulator.nothing_of_that_name  # noqa: B018
