"""The purpose of a sign-in: an app's request or a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_a_device_and_an_app_are_named_on_the_page(caller: Caller) -> None:
    """
    The sign-in page names the app of a request and the app of a device.
    """
    app = caller.http.get(caller.authorize_url()).text
    person = caller.tenant.person()
    person.approve_device(caller.device()["user_code"])

    assert "Contoso Desk" in app
    assert any("Contoso Desk" in page.text for page in person.pages)
    assert "Sign in" == read(app).heading
