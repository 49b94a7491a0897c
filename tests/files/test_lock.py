"""Locks: one process at a time, with a timeout and an owner, and released when the owner dies."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.errors import VaultError
from entrakit.files.lock import _read_owner, _write_owner, locked
from entrakit.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path


def holder(home: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock until it is ended."""
    program = (
        "import sys\nfrom entrakit.vault import Vault\n"
        f"with Vault({str(home)!r}).lock('work'):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    return process


def told(home: Path) -> str:
    """Return the error message for a held lock."""
    with pytest.raises(VaultError) as caught, Vault(str(home)).lock("work", 0.0):
        raise AssertionError
    return caught.value.problem


def test_the_owner_is_named_at_the_deadline(private_home: Path) -> None:
    """
    The error after a timeout names process and machine of the owner (checklist 40); other locks are free.
    """
    with holder(private_home) as process:
        owner = f"(process {process.pid} on {platform.node()})"
        with pytest.raises(VaultError) as caught, Vault(str(private_home)).lock("work", 0.1):
            raise AssertionError
        with Vault(str(private_home)).lock("other", 0.1):
            pass
        process.kill()

    path = private_home / "connections" / "work.lock"
    assert f"Another process has held {path} for 0.1 seconds {owner}." == caught.value.problem


def test_a_killed_owner_frees_it(private_home: Path) -> None:
    """
    The lock of a dead process blocks no other process.
    """
    with holder(private_home) as process:
        process.kill()

    with Vault(str(private_home)).lock("work", 5.0):
        pass


def test_an_error_frees_it(private_home: Path) -> None:
    """
    A block that fails releases the lock and raises its own error.
    """
    with pytest.raises(ZeroDivisionError), Vault(str(private_home)).lock("work"):
        raise ZeroDivisionError

    with Vault(str(private_home)).lock("work", 0.1):
        pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(content=st.binary(max_size=40) | st.integers(0, 99).map(lambda pid: f"{pid} ".encode()))
def test_whatever_stands_in_the_lock_file_is_no_crash(private_home: Path, content: bytes) -> None:
    """
    The owner's name comes from a file: no content of it breaks the message or its line.
    """
    with Vault(str(private_home)).lock("work"):
        (private_home / "connections" / "work.lock").write_bytes(content)
        problem = told(private_home)

    assert problem.startswith("Another process has held ")
    assert problem.isprintable()


def test_an_owner_that_cannot_be_written_or_read_is_left_out(private_home: Path) -> None:
    """
    The owner is only for the message: without a lock file, the message has no name.
    """
    missing = str(private_home / "work.lock")

    _write_owner(missing)

    assert "" == _read_owner(missing)


@pytest.mark.parametrize("obstacle", ["directory", "link"])
def test_a_place_that_cannot_be_locked_is_told(private_home: Path, obstacle: str) -> None:
    """
    A directory or link in place of the lock file is an error at once; a link is not followed (checklist 39).
    """
    (private_home / "connections").mkdir(mode=0o700)
    lock = private_home / "connections" / "work.lock"
    if obstacle == "directory":
        lock.mkdir()
    else:
        lock.symlink_to(private_home / "elsewhere")

    with pytest.raises(VaultError, match="Can't lock"), locked(str(lock), 0.5):
        raise AssertionError
    assert not (private_home / "elsewhere").exists()


def test_a_long_wait_for_another_process_is_logged(private_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """
    After two seconds the log says which process holds the lock, once, and the wait continues to its end.
    """
    with holder(private_home) as process:
        with (
            caplog.at_level("INFO", "entrakit.waits"),
            pytest.raises(VaultError, match=r"for 2\.2 seconds"),
            Vault(str(private_home)).lock("work", 2.2),
        ):
            raise AssertionError
        process.kill()

    (line,) = [record.getMessage() for record in caplog.records if record.name == "entrakit.waits"]
    assert line.startswith("waiting up to 2.2 s: another process holds ")
    assert f"(process {process.pid} on {platform.node()})" in line
