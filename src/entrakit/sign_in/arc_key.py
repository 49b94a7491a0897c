"""The challenge of Azure Arc: a program gets a token only if it can read a file that few users can read.

The endpoint names the file (`WWW-Authenticate: Basic realm=PATH`), and its content is sent back. Another program that
answers in place of the endpoint must not get another file of this machine. So the file must be in the folder of the
agent, end in `.key` and be small, and is not a link.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from entrakit.errors import SignInError
from entrakit.files.links import read_unlinked
from entrakit.shown_text import one_line

ENDING = ".key"
LARGEST = 4096
LINUX_FOLDER = "/var/opt/azcmagent/tokens"
_CHALLENGE = re.compile(r'\s*Basic\s+realm=(?:"([^"]*)"|([^",]*))\s*', re.IGNORECASE)
_MAX_SHOWN = 200


def tokens_folder() -> str:
    """Return the folder in which the agent puts its files."""
    if sys.platform == "win32":
        return os.environ.get("PROGRAMDATA", "C:\\ProgramData") + "\\AzureConnectedMachineAgent\\Tokens"
    return LINUX_FOLDER


def read_key(challenge: str, folder: str) -> str:
    """Return the content of the file that a challenge names.

    Args:
        challenge: Value of the header field `WWW-Authenticate`.
        folder: The only folder that the file may be in.

    Raises:
        SignInError: The challenge or the file is not one of the agent, or this user can't read it.
    """
    found = _CHALLENGE.fullmatch(challenge)
    path = (found[1] or found[2] or "").strip() if found else ""
    if not path:
        raise _refused("The challenge of Azure Arc names no file.")
    shown = one_line(path, _MAX_SHOWN)
    is_inside = os.path.normcase(os.path.dirname(path)) == os.path.normcase(folder)
    if not path.isprintable() or not is_inside:
        raise _refused(f"The challenge of Azure Arc names a file outside {folder}: {shown}.")
    if not path.endswith(ENDING) or os.path.basename(path) == ENDING:
        raise _refused(f"The challenge of Azure Arc names a file that does not end in {ENDING}: {shown}.")
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(f"The challenge of Azure Arc names something other than a file: {shown}.")
        if status.st_size > LARGEST:
            raise _refused(f"The challenge of Azure Arc names a file larger than {LARGEST} bytes: {shown}.")
        content = read_unlinked(path, LARGEST + 1)
    except PermissionError as error:
        group = "the group Hybrid agent extension applications" if sys.platform == "win32" else "the group himds"
        raise SignInError(
            f"This user can't read {shown}, so Azure Arc gives no token.",
            remedy=f"Add the user to {group}, sign in to the machine again, then try again.",
            error="access_denied",
        ) from error
    except OSError as error:
        raise _refused(f"The file of the challenge of Azure Arc can't be read: {shown}.") from error
    text = content.decode("latin-1").strip()
    if len(content) > LARGEST or not text.isascii() or not text.isprintable():
        raise _refused(f"The file of the challenge of Azure Arc does not contain a key: {shown}.")
    return text


def _refused(problem: str) -> SignInError:
    return SignInError(
        f"{problem} Nothing was sent.",
        remedy="Check that the agent of Azure Arc answers (`azcmagent show`), and not another program on its port.",
        error="invalid_challenge",
    )
