"""Names of connections: the same on every disk, and never a path."""

from __future__ import annotations

from entrakit.errors import ParameterError

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)})


def checked_name(name: str) -> str:
    """Return a name as it is kept, in lower case.

    Raises:
        ParameterError: No connection can have it.
    """
    if not is_name(name):
        raise ParameterError(
            f"{name!r} can't be the name of a connection.",
            remedy="Use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
        )
    return name.lower()


def is_name(name: str) -> bool:
    """Return whether a connection can have a name."""
    small = name.lower()
    return (
        0 < len(name) <= 64
        and name.isascii()
        and small[0] not in "._-"
        and _LETTERS.issuperset(small)
        and small.partition(".")[0] not in _DEVICES
        and not small.endswith((".", ".lock", ".json"))
    )
