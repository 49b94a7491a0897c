"""The Linux kernel's user keyring: holds an unlocked key for a while, for the next processes.

The key is in the kernel's memory only, readable by processes of this user, and removed after `HOLD_S` seconds
(keyrings(7), user-keyring(7)). If the kernel or a container forbids it, nothing is held and no error is raised.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_S = 900
# add_key(2) and keyctl(2), by machine.
_CALLS = {
    "x86_64": (248, 250), "aarch64": (217, 219), "riscv64": (217, 219), "ppc64le": (269, 271), "s390x": (278, 280),
}  # fmt: skip
_PROCESS_KEYRING, _USER_KEYRING = -2, -4
_SETPERM, _LINK, _SEARCH, _READ, _SET_TIMEOUT, _INVALIDATE = 5, 8, 10, 11, 15, 21
# All rights for a possessor, all except linking for this user's other processes, none for others.
_PERMISSIONS = 0x3F2F0000
_MAX_PAYLOAD = 256


def find(name: str) -> bytes | None:
    """Return the payload under a name; None if it does not exist, or the kernel has no keyring."""
    call = _system_call()
    if call is None:
        return None
    from ctypes import create_string_buffer

    key = call(False, _SEARCH, _USER_KEYRING, b"user", _description(name), 0)
    if key < 0:
        return None
    buffer = create_string_buffer(_MAX_PAYLOAD)
    size = call(False, _READ, key, buffer, _MAX_PAYLOAD)
    return buffer.raw[:size] if 0 < size <= _MAX_PAYLOAD else None


def hold(name: str, payload: bytes) -> bool:
    """Hold up to 256 bytes under a name for `HOLD_S` seconds, and return whether the kernel accepted them."""
    call = _system_call()
    if call is None:
        return False
    # Expiry and permissions are set before other processes can see it.
    key = call(True, b"user", _description(name), payload, len(payload), _PROCESS_KEYRING)
    return (
        key > 0
        and call(False, _SETPERM, key, _PERMISSIONS) == 0
        and call(False, _SET_TIMEOUT, key, HOLD_S) == 0
        and call(False, _LINK, key, _USER_KEYRING) == 0
    )


def forget(name: str) -> None:
    """Remove the payload under a name."""
    call = _system_call()
    if call is None:
        return
    key = call(False, _SEARCH, _USER_KEYRING, b"user", _description(name), 0)
    if key > 0:
        call(False, _INVALIDATE, key)


def _description(name: str) -> bytes:
    return b"entrakit:" + name.encode("ascii")


def _system_call() -> Callable[..., int] | None:
    """Return a function that calls add_key (first argument true) or keyctl; None if the system has none."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    numbers = _CALLS.get(os.uname().machine)
    if numbers is None:
        return None
    try:
        from ctypes import CDLL, c_long

        function = CDLL(None).syscall
    except (ImportError, OSError, TypeError, AttributeError):
        return None
    function.restype = c_long

    def call(adds: bool, *values: object) -> int:
        words = [c_long(value) if isinstance(value, int) else value for value in values]
        return int(function(c_long(numbers[0] if adds else numbers[1]), *words))

    return call
