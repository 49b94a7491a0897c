"""Ways to sign in: one file and one value each, whose functions read like the diagrams of their RFCs.

`sign_in/flow.py` describes what a file contains. Its name is the name of the way in settings and tokens; `FLOW` in it
is the type of the value.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from entrakit.errors import VaultError

if TYPE_CHECKING:
    from entrakit.sign_in.flow import Flow, SavedSettings


def find(name: str) -> type[Flow]:
    """Return the type of a way to sign in.

    Args:
        name: Its name, as settings have it.

    Raises:
        VaultError: It does not exist in this version.
    """
    path = f"{__name__}.{name}"
    found = None
    if name.isidentifier():
        try:
            found = getattr(import_module(path), "FLOW", None)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
    if found is None:
        raise VaultError(
            f"This version has no way to sign in that is called {name!r}.",
            remedy="Update entrakit, or connect again: `connect()`.",
        )
    return cast("type[Flow]", found)


def way_of(settings: SavedSettings) -> type[Flow]:
    """Return the type of the way that reads the credential of a saved connection again.

    Args:
        settings: Settings of the connection.

    Raises:
        VaultError: It does not exist in this version.
    """
    # A connection with a credential of a key vault is saved as that of a certificate or of a secret. With "app", the
    # origin is that of the app's credential, which goes with a token of the user.
    origin = dict(settings.origin)
    return find("key_vault" if "vault" in origin and "app" not in origin else settings.flow)
