"""Where state is kept on this machine."""

from __future__ import annotations

import os
import sys

from entrakit.errors import VaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory of kept connections, which may not exist yet.

    `ENTRAKIT_HOME` if it is set; else `$XDG_STATE_HOME/entrakit` or `~/.local/state/entrakit` (XDG Base Directory),
    and on Windows and macOS the local, not roaming, place for a program's state.

    Args:
        environ: The environment to look variables up in.

    Raises:
        VaultError: There is no home directory.
    """
    if environ.get("ENTRAKIT_HOME"):
        return os.path.abspath(os.path.expanduser(environ["ENTRAKIT_HOME"]))
    if sys.platform in ("win32", "darwin"):
        import platformdirs

        return platformdirs.user_state_dir("entrakit", appauthor=False, roaming=False)
    # The same as platformdirs, which costs 26 ms to import, twice what all the rest of reading an entry takes.
    home = environ.get("HOME")
    base = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home else "")
    if not os.path.isabs(base):
        raise VaultError(
            "There is no home directory to keep connections in.",
            remedy="Set ENTRAKIT_HOME to a directory that is yours alone.",
        )
    return os.path.join(base, "entrakit")
