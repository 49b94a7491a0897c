"""Opening the system's browser: without a shell, without secrets, with the right result."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import ParameterError
from entrakit.secret import SECRET_VARIABLES, Secret
from entrakit.sign_in.system_browser import can_open, open_browser, ssh_forward_line

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://login.microsoftonline.com/t/oauth2/v2.0/authorize?client_id=a&state=b;touch%20x"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a browser that records its call."""
    path = tmp_path / "my browser"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"json.dump([sys.argv[1:], dict(os.environ)], open({str(tmp_path / 'call.json')!r}, 'w'))\n"
        "print('noise')\n"
    )
    path.chmod(0o700)
    return path


def called(program: Path) -> tuple[list[str], dict[str, str]]:
    """Return arguments and environment of the last call."""
    import json

    words, environ = json.loads((program.parent / "call.json").read_text())
    return words, environ


@pytest.mark.parametrize("form", ["'{}'", "'{}' --new %s", "missing-program:'{}'"])
def test_browser_is_honoured(program: Path, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    """
    BROWSER lists commands, with or without a placeholder for the address; no shell reads any of them
    (checklist 1, 15).
    """
    assert open_browser(URL, {"BROWSER": form.format(program), "PATH": os.environ["PATH"]}, "linux")

    assert URL == called(program)[0][-1]
    assert ("", "") == capfd.readouterr()


def test_secrets_stay_here(program: Path) -> None:
    """
    The browser's environment has no secrets of entrakit, nor one from a variable with another name.
    """
    environ = {"BROWSER": f"'{program}'", "PATH": os.environ["PATH"], **dict.fromkeys(SECRET_VARIABLES, "canary")}
    environ |= {"MY_APP_SECRET": "canary-of-its-own-name", "COPY": "canary-of-its-own-name"}
    Secret.from_env("MY_APP_SECRET", environ)

    open_browser(URL, environ, "linux")

    assert "canary" not in repr(called(program)[1].values())


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a\n", "-https://a", "https://ä", ""]
)
def test_only_web_addresses_are_opened(url: str) -> None:
    """
    Anything but http and https, or with spaces and control characters, is refused (checklist 15).
    """
    with pytest.raises(ParameterError):
        open_browser(url, {}, "linux")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"BROWSER": "missing-program"},
        {"BROWSER": "false"},
        {"BROWSER": "lynx"},
        {"BROWSER": "'"},
        {"DISPLAY": ":9"},
    ],
)
def test_where_there_is_none_it_says_so(environ: dict[str, str], tmp_path: Path) -> None:
    """
    No display, a missing or failing program, and a text browser give False, never an error.
    """
    path = os.environ["PATH"] if environ.get("BROWSER") == "false" else str(tmp_path)

    assert not open_browser(URL, environ | {"PATH": path}, "linux")


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"SSH_CONNECTION": "a 1 b 22"}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"SSH_CONNECTION": "a 1 b 22", "DISPLAY": "localhost:10.0"}, True),
        ("linux", {"BROWSER": "lynx"}, False),
        ("linux", {"BROWSER": "missing"}, False),
        ("linux", {"BROWSER": "firefox"}, True),
        ("linux", {"WSL_DISTRO_NAME": "x"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "a 1 b 22"}, False),
        ("win32", {"SSH_CONNECTION": "a 1 b 22"}, False),
        ("win32", {"SSH_CONNECTION": "a 1 b 22", "BROWSER": "firefox"}, True),
    ],
)
def test_it_is_known_whether_a_browser_can_open(
    program: Path, platform: str, environ: dict[str, str], *, expected: bool
) -> None:
    """
    A browser can open if its program exists and the user sees its window: not without a display, and not on the screen
    of a machine that the user has reached over SSH. Nothing is started.
    """
    directory = program.parent / "bin"
    directory.mkdir()
    for name in ("open", "rundll32", "firefox"):
        (directory / name).symlink_to(program)

    assert expected == can_open(environ | {"PATH": str(directory)}, platform)
    assert not (program.parent / "call.json").exists()


@pytest.mark.parametrize(
    ("platform", "environ", "name"),
    [("darwin", {}, "open"), ("win32", {}, "rundll32"), ("linux", {"WSL_DISTRO_NAME": "x"}, "wslview"),
     ("linux", {"DISPLAY": ":0"}, "xdg-open"), ("linux", {"WAYLAND_DISPLAY": "w"}, "firefox")],
)  # fmt: skip
def test_each_system_has_its_own_way(program: Path, platform: str, environ: dict[str, str], name: str) -> None:
    """
    macOS, Windows, WSL and a Linux desktop each use a different program.
    """
    directory = program.parent / "bin"
    directory.mkdir()
    (directory / name).symlink_to(program)

    assert open_browser(URL, environ | {"PATH": str(directory)}, platform)
    assert URL == called(program)[0][-1]


def test_a_browser_that_stays_open_is_one_that_works(tmp_path: Path) -> None:
    """
    A browser that keeps running counts as opened; the call does not wait for its end.
    """
    path = tmp_path / "stays"
    path.write_text("#!/bin/sh\nexec sleep 4\n")
    path.chmod(0o700)

    assert open_browser(URL, {"BROWSER": str(path), "PATH": os.environ["PATH"]}, "linux")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, None),
        ({"SSH_CONNECTION": "broken"}, None),
        ({"SSH_CONNECTION": "1.2.3.4 50 5.6.7.8 22", "USER": "ada"}, "ssh -N -L 8400:localhost:8400 ada@5.6.7.8"),
        ({"SSH_CONNECTION": "1.2.3.4 50 5.6.7.8 2222"}, "ssh -N -L 8400:localhost:8400 -p 2222 5.6.7.8"),
        ({"SSH_CONNECTION": "a 1 b 22", "USER": "x;y"}, "ssh -N -L 8400:localhost:8400 'x;y@b'"),
    ],
)
def test_the_tunnel_can_be_typed(environ: dict[str, str], line: str | None) -> None:
    """
    Over SSH, the exact command for the user's machine is returned (request 26 of the users).
    """
    assert line == ssh_forward_line(8400, environ)
