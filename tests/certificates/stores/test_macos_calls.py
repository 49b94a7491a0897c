"""System calls of macOS: libraries and types, without a Mac."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
from ctypes import c_char_p, c_long, c_void_p

import pytest

from entrakit.certificates.stores import macos_calls
from entrakit.certificates.stores.macos_calls import LoadedFramework


def test_a_library_has_functions_and_variables() -> None:
    """
    Functions have the given types with 64 bits. A variable has a pointer as its value, and an address.
    """
    library = LoadedFramework(ctypes.util.find_library("c") or "")

    assert 5 == library.function("strlen", c_long, c_char_p)(b"entra")
    assert (1 << 40) == library.function("labs", c_long, c_long)(-(1 << 40))
    # Not `environ`: a statically linked Python has a separate copy, and the one of the C library is empty.
    address = library.address("program_invocation_name")
    assert c_void_p.from_address(address).value == library.constant("program_invocation_name") != 0


def test_the_frameworks_are_those_of_the_system() -> None:
    """
    The frameworks are loaded by their full paths. A library without their functions is an error at once.
    """
    paths = (macos_calls.CORE_FOUNDATION, macos_calls.SECURITY)
    assert all(path.startswith("/System/Library/Frameworks/") for path in paths)
    libc = ctypes.util.find_library("c") or ""
    with pytest.raises(AttributeError, match="CFRelease"):
        macos_calls.load(libc, libc)


@pytest.mark.parametrize("module", ["macos", "macos_calls"])
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
