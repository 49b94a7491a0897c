"""The reference page is complete."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from entrakit_emulator import contoso, faults
from entrakit_emulator.graph.kinds import KINDS
from entrakit_emulator.seed import STEPS
from entrakit_emulator.world import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "emulator.md").read_text(encoding="utf-8")
SEEDS = [
    value for name, value in vars(contoso).items()
    if name.isupper() and isinstance(value, str) and name not in ("MANAGEMENT", "KEY_VAULT")
]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *SEEDS,
        *(value for user in contoso.USERS for value in (user.upn, user.password) if value),
        *STEPS,
        *faults.ENDPOINTS,
        *faults.POLLS,
        *(name for kind in faults.KINDS.values() for name in (kind.kind, kind.__name__)),
        *(one.name for kind in faults.KINDS.values() for one in dataclasses.fields(kind)),
        *(one.name for one in dataclasses.fields(Settings)),
    ],
)
def test_every_seed_step_and_fault_is_documented(name: str) -> None:
    """
    Every seed, step, fault and setting is on the reference page.
    """
    assert f"`{name}`" in PAGE or name in PAGE


@pytest.mark.parametrize("collection", [kind.collection for kind in KINDS.values()])
def test_every_kind_of_objects_is_documented(collection: str) -> None:
    """
    The collection of each kind is in the table of addresses.
    """
    assert f"`/{collection}`" in PAGE
