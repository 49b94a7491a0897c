"""The kernel's user keyring: other processes of this user find a held value for a limited time."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from entrakit.vault.keys import kernel

NAME = os.urandom(8).hex()

if not kernel.hold("test-whether-it-works", b"x"):
    pytest.skip("this kernel or container has no user keyring", allow_module_level=True)
kernel.forget("test-whether-it-works")


def described(name: str) -> list[str]:
    """Return the fields of a held key in the kernel's own listing: id, flags, usage, timeout, permissions…"""
    with open("/proc/keys", encoding="ascii") as file:
        lines = [line.split() for line in file if f"entrakit:{name}:" in line]
    # Removed keys are listed until the kernel collects them.
    (fields,) = [fields for fields in lines if "i" not in fields[1]]
    return fields


def test_what_is_held_is_found() -> None:
    """
    A process of another session finds a held value, but not after its removal.
    """
    assert kernel.find(NAME) is None
    assert kernel.hold(NAME, b"canary")
    program = f"from entrakit.vault.keys import kernel; print(kernel.find({NAME!r}))"
    done = subprocess.run(["setsid", sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "b'canary'\n" == done.stdout
    assert b"canary" == kernel.find(NAME)
    kernel.forget(NAME)
    kernel.forget(NAME)
    assert kernel.find(NAME) is None


def test_a_later_one_takes_its_place() -> None:
    """
    Holding under the same name again replaces what was held.
    """
    kernel.hold(NAME, b"first")
    kernel.hold(NAME, b"second and longer")

    assert b"second and longer" == kernel.find(NAME)
    kernel.forget(NAME)


def test_it_ends_and_belongs_to_this_user_alone() -> None:
    """
    The kernel removes a value after 15 minutes, and gives no access to group and others.
    """
    name = os.urandom(8).hex()
    kernel.hold(name, b"canary")
    _, _, _, left, permissions, owner, *_ = described(name)
    kernel.forget(name)

    assert left in {"14m", "15m"}
    assert ("3f2f0000", str(os.geteuid())) == (permissions, owner)


def test_nothing_is_held_where_nothing_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On other systems, on unknown machines and without a C library, nothing is held, and no error is raised.
    """
    for target, name, value in (
        (sys, "platform", "darwin"),
        (sys, "maxsize", 2**31 - 1),
        (kernel, "_CALLS", {}),
        (ctypes, "CDLL", None),
        # The answer of a container's filter: unknown system call.
        (kernel, "_CALLS", {os.uname().machine: (100_000, 100_000)}),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, value)
            assert not kernel.hold(NAME, b"canary")
            assert kernel.find(NAME) is None
            kernel.forget(NAME)


def test_a_passphrase_is_stretched_once_for_all_processes() -> None:
    """
    The kernel holds the stretched key, too; only a process with the passphrase gets it.
    """
    from entrakit.vault.keys.environment import EnvironmentKey
    from entrakit.vault.keys.source import KeyMissingError

    source = EnvironmentKey({"ENTRAKIT_VAULT_KEY": "correct horse"})
    ref, key = source.make()
    assert key == source.open(ref)
    held = kernel.find(ref.id) or b""

    assert key == held[:32]
    assert b"horse" not in held
    with pytest.raises(KeyMissingError):
        EnvironmentKey({"ENTRAKIT_VAULT_KEY": "wrong horse"}).open(ref)
    kernel.hold(ref.id, bytes(32) + held[32:])
    assert key == source.open(ref)
    source.forget(ref)
    assert kernel.find(ref.id) is None
