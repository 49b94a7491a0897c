"""Text files that other programs read, too, such as the start file of a shell."""

from __future__ import annotations

import os


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

    If the path is a link, the file that it names is written.

    Raises:
        OSError: The file can't be written; it has its old content.
    """
    from shutil import copymode

    path = os.path.realpath(path)
    if not text:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.entra", "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    if os.path.exists(path):
        copymode(path, f"{path}.entra")
    os.replace(f"{path}.entra", path)
