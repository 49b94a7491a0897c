"""Packages whose `__init__` runs when one of the names that it defines is first used.

This is for a dependency whose `__init__` imports many modules, while only one is needed. The modules of the
package are imported as usual. Other code in this process that uses the package itself gets all of it, with the same
objects. `bench/startup.py` shows the gain: without it, a cold sign-in loads requests, which MSAL needs only for managed
identities, and a cold request loads the connection pools of urllib3 and `importlib.metadata`, together a sixth of its
time.
"""

from __future__ import annotations

import sys
from importlib import util
from threading import RLock
from types import ModuleType


class _LazyPackage(ModuleType):
    """A package that runs its own code when the first missing attribute is read."""

    def __getattr__(self, name: str) -> object:
        with _lock:
            spec = self.__spec__
            if spec is None or spec.loader is None or self.__dict__.get("_is_complete"):
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
            self.__dict__["_is_complete"] = True
            spec.loader.exec_module(self)
            return getattr(self, name)


_lock = RLock()


def make_lazy(name: str) -> None:
    """Make a package lazy, unless this process has imported it already.

    Args:
        name: Name of a package. The package that contains it must be lazy, or imported.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    if name in sys.modules:
        return
    spec = util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = util.module_from_spec(spec)
    package.__class__ = _LazyPackage
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)
