"""The kinds of objects: each file of this folder has one, in its value `KIND`."""

from __future__ import annotations

import importlib
import pkgutil

from entrakit_emulator.graph.kind import KINDS, add, face

__all__ = ["KINDS", "face", "find"]


def find() -> None:
    """Add the kinds of all files of this package."""
    for file in pkgutil.iter_modules(__path__):
        add(importlib.import_module(f"{__name__}.{file.name}").KIND)


find()
