"""Lazy packages: the code of a package runs on first use, with the same result."""

from __future__ import annotations

import subprocess
import sys

import pytest

from entrakit.http.lazy_package import make_lazy


def outcome_of(program: str) -> str:
    """Return the output of a program."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_msal_is_loaded_without_requests() -> None:
    """
    The module that speaks the protocol does not need a second HTTP stack.
    """
    program = (
        "import sys\nfrom entrakit.http.lazy_package import make_lazy\nmake_lazy('msal')\n"
        "import msal.application, msal.auth_scheme\nprint('requests' in sys.modules)"
    )

    assert "False" == outcome_of(program)


@pytest.mark.parametrize(
    "use", ["import msal; msal.ManagedIdentityClient", "from msal import ManagedIdentityClient", "from msal import *"]
)
def test_who_uses_the_package_gets_all_of_it(use: str) -> None:
    """
    Another user of MSAL in the same process sees the whole package, with the same classes.
    """
    program = (
        "from entrakit.http.lazy_package import make_lazy\nmake_lazy('msal')\nimport msal.application as ours\n"
        f"{use}\nimport msal\nprint(msal.PublicClientApplication is ours.PublicClientApplication, "
        "hasattr(msal, 'nothing'))"
    )

    assert "True False" == outcome_of(program)


def test_a_package_that_is_there_is_left_alone() -> None:
    """
    An imported package does not change; a package that is not installed raises an error.
    """
    before = sys.modules["json"]
    make_lazy("json")

    assert before is sys.modules["json"]
    with pytest.raises(ModuleNotFoundError):
        make_lazy("no_such_package_at_all")
