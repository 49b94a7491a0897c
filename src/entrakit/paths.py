"""Paths of files, made absolute: a relative path needs a working directory, which may have been removed."""

from __future__ import annotations

import os

from entrakit.errors import ParameterError


def absolute(path: str | os.PathLike[str]) -> str:
    """Return a path as an absolute one; `~` is expanded.

    Args:
        path: The path.

    Raises:
        ParameterError: The path is relative, and the working directory does not exist any more.
    """
    expanded = os.path.expanduser(os.fspath(path))
    try:
        return os.path.abspath(expanded)
    except FileNotFoundError as error:
        raise ParameterError(
            f"The path {expanded!r} is relative, and the working directory does not exist any more.",
            remedy="Give an absolute path, or change to a directory that exists.",
        ) from error
