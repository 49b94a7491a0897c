"""System calls of Windows: structures, libraries and types, without a Windows machine."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from tests.certificates.stores.fake_windows import Machine, entry_of

from entrakit.certificates.stores import windows_calls
from entrakit.certificates.stores.windows import WindowsStore

if TYPE_CHECKING:
    from tests.certificates.conftest import Maker


def test_structures_have_the_layout_of_windows() -> None:
    """
    Sizes and offsets of the structures are those of wincrypt.h and bcrypt.h on 64 bits.
    """
    layouts = {
        windows_calls.CertContext: (40, {"pbCertEncoded": 8, "cbCertEncoded": 16, "pCertInfo": 24, "hCertStore": 32}),
        windows_calls.CryptKeyProvInfo: (
            48,
            {"pwszProvName": 8, "dwProvType": 16, "dwFlags": 20, "cProvParam": 24, "rgProvParam": 32, "dwKeySpec": 40},
        ),
        windows_calls.BcryptPssPaddingInfo: (16, {"pszAlgId": 0, "cbSalt": 8}),
    }

    for structure, (size, offsets) in layouts.items():
        assert size == ctypes.sizeof(structure)
        assert offsets == {name: getattr(structure, name).offset for name in offsets}
    assert [4, 4, 4, 8] == [
        ctypes.sizeof(kind)
        for kind in (windows_calls.DWORD, windows_calls.BOOL, windows_calls.STATUS, windows_calls.HANDLE)
    ]


def test_the_libraries_are_those_of_the_system(maker: Maker) -> None:
    """
    The libraries are loaded from the system directory only, and ctypes saves the error code of each call.
    """
    loaded = []
    machine = Machine(entry_of(maker))

    def load_library(name: str, *, use_last_error: bool, winmode: int) -> ctypes.CDLL:
        loaded.append((name, use_last_error, winmode))
        return machine.library

    system = SimpleNamespace(WinDLL=load_library, get_last_error=machine.last_error)
    store = WindowsStore("user", windows_calls.load(cast("ModuleType", system)))

    assert [("crypt32.dll", True, 0x800), ("ncrypt.dll", True, 0x800)] == loaded
    assert 1 == len(list(store.contents()))


@pytest.mark.parametrize("module", ["windows", "windows_calls"])
def test_importing_loads_no_library(module: str) -> None:
    """
    The file can be imported on every system: importing it loads no library.
    """
    code = (
        "import sys, ctypes\n"
        "sys.addaudithook(lambda event, values: event == 'ctypes.dlopen' and sys.exit(f'loaded {values}'))\n"
        f"import entrakit.certificates.stores.{module}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_a_hash_with_a_zero_is_passed_completely(maker: Maker) -> None:
    """
    A zero byte does not end the hash, as it would end a C string.
    """
    messages = (number.to_bytes(4, "big") for number in range(10**6))
    message = next(one for one in messages if hashlib.sha256(one).digest()[0] == 0)

    assert Machine(entry_of(maker)).only().sign(message)
