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
    A path of the real service that the emulator lacks is refused by name, in a form that the service does not have.
    """
    response = caller.http.get(path)

    assert (501, "emulator_not_implemented") == (response.status_code, response.json()["error"])


def test_browsers_get_no_icon(caller: Caller) -> None:
    """
    A browser's request for an icon gets an empty answer.
    """
    assert 204 == caller.http.get("/favicon.ico").status_code
