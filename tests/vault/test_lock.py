"""Locks: one process at a time, with a deadline and an owner, and free when the owner dies."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import VaultError
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


def test_the_owner_is_named_at_the_deadline(private_home: Path) -> None:
    """
    Who waits in vain reads which process holds the lock (checklist 40).
    """
    with holder(private_home) as process:
        with pytest.raises(VaultError, match=f"process {process.pid}"), Vault(str(private_home)).lock("work", 0.1):
            pass
        with Vault(str(private_home)).lock("other", 0.1):
            pass
        process.kill()


def test_a_killed_owner_frees_it(private_home: Path) -> None:
    """
    A process that dies with the lock holds nobody up.
    """
    with holder(private_home) as process:
        process.kill()

    with Vault(str(private_home)).lock("work", 5.0):
        pass


def test_a_place_that_cannot_be_locked_is_told(private_home: Path) -> None:
    """
    Something in the place of the lock file is an error, not a wait.
    """
    (private_home / "connections").mkdir(mode=0o700)
    (private_home / "connections" / "work.lock").mkdir()

    with pytest.raises(VaultError), Vault(str(private_home)).lock("work", 0.5):
        pass
