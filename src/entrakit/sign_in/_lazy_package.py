"""A package whose `__init__` runs when something that it defines is first asked for.

For a dependency of which one module is needed, and whose `__init__` loads much else. Its modules are imported as ever;
who uses the package itself, in this process, gets all of it, the same objects, a little later.
"""

from __future__ import annotations

import sys
from importlib import util
from threading import RLock
from types import ModuleType


class _LazyPackage(ModuleType):
    """Runs the package's own code for the first attribute that is not there."""

    def __getattr__(self, name: str) -> object:
        with _lock:
            spec = self.__spec__
            if name.startswith("__") or spec is None or spec.loader is None or self.__dict__.get("_is_complete"):
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
            self.__dict__["_is_complete"] = True
            spec.loader.exec_module(self)
            return getattr(self, name)


_lock = RLock()


def make_lazy(name: str) -> None:
    """Make a package lazy, unless somebody in this process has imported it already.

    Args:
        name: A package at the top level.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    if name in sys.modules:
        return
    spec = util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = util.module_from_spec(spec)
    package.__class__ = _LazyPackage
    sys.modules[name] = package
