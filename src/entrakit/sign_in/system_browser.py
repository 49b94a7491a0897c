"""The system's browser, started without a shell, without secrets in its environment, and without its output."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

LINUX_BROWSERS = ("xdg-open", "gio open", "firefox", "chromium", "google-chrome", "microsoft-edge", "brave-browser")
TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
# A launcher that fails ends at once. A program that still runs after this time is a working browser.
FAILS_WITHIN_S = 2.0


def open_browser(url: str, environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Open an address in the user's browser, and return whether that succeeded.

    Args:
        url: An http or https address.
        environ: Environment; `BROWSER` lists the commands to try first, with `%s` for the address.
        platform: As `sys.platform`.

    Raises:
        ParameterError: The address is not an http or https address.
    """
    refuse_unsafe(url)
    return any(_launch(command, environ) for command in _commands(url, environ, platform))


def can_open(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Return whether this machine seems to have a browser that can be opened where the user sees it.

    There is none without a display, as in a container, and over SSH without a display of the user's machine.

    Args:
        environ: Environment, as for `open_browser`.
        platform: As `sys.platform`.
    """
    if "SSH_CONNECTION" in environ and platform in ("darwin", "win32") and not environ.get("BROWSER"):
        # The system's browser would open on the screen of the other machine.
        return False
    path = environ.get("PATH")
    return any(shutil.which(command[0], path=path) for command in _commands("", environ, platform))


def refuse_unsafe(url: str) -> None:
    """Raise ParameterError unless a string is an http or https address that is safe to open."""
    if not url.startswith(("https://", "http://")) or not url.isascii() or not url.isprintable() or " " in url:
        raise ParameterError("The address to open is not a web address.")


def ssh_forward_line(port: int, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the SSH command that makes a port here reachable from the user's machine; None if this is not SSH.

    Args:
        port: Port of the listener.
        environ: Environment; `SSH_CONNECTION` has the addresses of both ends.
    """
    parts = environ.get("SSH_CONNECTION", "").split()
    if len(parts) != 4:
        return None
    _, _, host, ssh_port = parts
    user = environ.get("USER") or environ.get("LOGNAME")
    target = f"{user}@{host}" if user else host
    option = f" -p {ssh_port}" if ssh_port != "22" else ""
    return f"ssh -N -L {port}:localhost:{port}{option} {shlex.quote(target)}"


def _commands(url: str, environ: Mapping[str, str], platform: str) -> list[list[str]]:
    """Return the commands to try, in order."""
    named = [entry for entry in environ.get("BROWSER", "").split(os.pathsep) if entry.strip()]
    commands = [_with_address(entry, url) for entry in named]
    if platform == "darwin":
        return [*commands, ["open", url]]
    if platform == "win32":
        return [*commands, ["rundll32", "url.dll,FileProtocolHandler", url]]
    if "WSL_DISTRO_NAME" in environ:
        commands.append(["wslview", url])
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        commands += [[*browser.split(), url] for browser in LINUX_BROWSERS]
    return [command for command in commands if command and os.path.basename(command[0]) not in TEXT_BROWSERS]


def _with_address(entry: str, url: str) -> list[str]:
    try:
        words = shlex.split(entry)
    except ValueError:
        return []
    return [word.replace("%s", url) for word in words] if "%s" in entry else [*words, url]


def _launch(command: list[str], environ: Mapping[str, str]) -> bool:
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        return False
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and the address was checked
            [program, *command[1:]],
            env=without_secrets(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        return process.wait(FAILS_WITHIN_S) == 0
    except subprocess.TimeoutExpired:
        # The browser continues after this program. Without a return code, Popen would warn that it still runs.
        process.returncode = 0
        return True
