"""Routes of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    "path", ["/common/oauth2/token", "/common/adminconsent", "/GetUserRealm.srf", "/common/v2.0/adminconsent"]
)
def test_what_is_not_implemented_is_refused_by_name(caller: Caller, path: str) -> None:
    """
    An address of the real service that the emulator does not have says so, and looks like no answer of the service.
    """
    response = caller.http.get(path)

    assert (501, "emulator_not_implemented") == (response.status_code, response.json()["error"])


def test_browsers_get_no_icon(caller: Caller) -> None:
    """
    A browser's question for an icon is answered, quietly.
    """
    assert 204 == caller.http.get("/favicon.ico").status_code
