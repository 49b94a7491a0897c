"""Assumptions about the internals of MSAL: these tests fail when a new version breaks one of them."""

from __future__ import annotations

import inspect
import subprocess
import sys

import msal
import pytest

from entrakit.sign_in._msal import EXTENSION_CHECK, MsalResponse

FIRST_SIGN_IN = """
import sys
from entrakit.sign_in import _msal
application = _msal._load_msal()
"""


def outcome_of(program: str) -> str:
    """Return the output of a program, run in a separate process."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_check_that_is_switched_off_exists() -> None:
    """
    MSAL still has the replaced function, without parameters, and every application calls it under this name.
    """
    program = (
        f"import inspect, msal\ncheck = getattr(msal.application, '{EXTENSION_CHECK}')\n"
        "print(inspect.isfunction(check), len(inspect.signature(check).parameters),"
        f" '{EXTENSION_CHECK}' in msal.ClientApplication.__init__.__code__.co_names)"
    )

    assert "True 0 True" == outcome_of(program)


def test_the_check_would_load_the_whole_package() -> None:
    """
    The function is still worth replacing: it imports msal-extensions, which imports all of MSAL.
    """
    program = (
        "import sys\nfrom entrakit.http.lazy_package import make_lazy\nmake_lazy('msal')\n"
        f"import msal.auth_scheme, msal.application\nmsal.application.{EXTENSION_CHECK}()\n"
        "print('msal.managed_identity' in sys.modules)"
    )

    assert "True" == outcome_of(program)


def test_a_sign_in_loads_one_module_and_no_second_http_stack() -> None:
    """
    The module of the protocol imports neither requests nor managed identities, so the package's own code waits.
    """
    program = FIRST_SIGN_IN + (
        "application.PublicClientApplication('c', authority='https://localhost/t', instance_discovery=False,"
        " http_client=type('Http', (), {'get': lambda *a, **k: type('R', (), {'status_code': 200, 'headers': {},"
        ' \'text\': \'{"authorization_endpoint": "https://localhost/a", "token_endpoint":'
        ' "https://localhost/b", "issuer": "https://localhost/t"}\'})()})())\n'
        "print(sorted({'requests', 'msal.managed_identity', 'msal_extensions'} & set(sys.modules)),"
        " application is sys.modules['msal.application'])"
    )

    assert "[] True" == outcome_of(program)


def test_the_package_imports_managed_identities_when_it_is_used() -> None:
    """
    The package's own code imports managed identities, and requests with them; it runs for the first name that is used.
    """
    program = FIRST_SIGN_IN + (
        "import msal\nbefore = 'msal.managed_identity' in sys.modules\nmsal.ManagedIdentityClient\n"
        "print(before, 'msal.managed_identity' in sys.modules, 'requests' in sys.modules)"
    )

    assert "False True True" == outcome_of(program)


def test_who_imported_msal_before_keeps_it() -> None:
    """
    A program that uses MSAL itself has its check left in place.
    """
    program = (
        "import msal\nfrom entrakit.sign_in._msal import _load_msal, EXTENSION_CHECK\n"
        "print(getattr(_load_msal(), EXTENSION_CHECK).__name__, _load_msal() is msal.application)"
    )

    assert f"{EXTENSION_CHECK} True" == outcome_of(program)


def test_a_second_sign_in_does_not_enter_the_lazy_package_again() -> None:
    """
    After the first sign-in, the loaded MSAL is used as it is.
    """
    program = FIRST_SIGN_IN + (
        "del sys.modules['entrakit.http.lazy_package']\n"
        "print(_msal._load_msal() is application, 'entrakit.http.lazy_package' in sys.modules)"
    )

    assert "True False" == outcome_of(program)


@pytest.mark.parametrize("name", ["status_code", "text", "headers", "raise_for_status"])
def test_msal_reads_these_members_of_a_response(name: str) -> None:
    """
    MSAL's own documentation of its HTTP client names the members that it reads, and the response has them.
    """
    assert name in inspect.getsource(msal.oauth2cli.http)
    assert hasattr(MsalResponse(200, ""), name)
