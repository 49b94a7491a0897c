"""Text files that other programs read, too, such as the start file of a shell."""

from __future__ import annotations

import os
from contextlib import suppress

from entrakit.files.links import follow


def read_shared(path: str) -> str:
    """Return the content of a file; empty if it does not exist. Bytes that are not UTF-8 are kept as surrogates.

    Raises:
        OSError: The file can't be read.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write_shared(path: str, text: str) -> None:
    """Write a file at once, with the mode of the file that it replaces; make its directory. An empty string removes it.

    If the path is a link that no other user can have made, the file that it names is written.

    Raises:
        OSError: The file can't be written, or a link is not followed; the file has its old content.
    """
    from shutil import copymode

    path = follow(path)
    if not text:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.urandom(8).hex()}.entra"
    try:
        # A new file: not one that another user has put there, nor the target of a link.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with open(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        if os.path.exists(path):
            copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
