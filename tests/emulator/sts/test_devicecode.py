"""The device authorization endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_the_code_is_as_the_service_gives_it(caller: Caller) -> None:
    """
    The answer has nine letters and digits, integers, the page in the message, and no verification_uri_complete (service
    facts, 1.4).
    """
    answer = caller.device()

    assert ["user_code", "device_code", "verification_uri", "expires_in", "interval", "message"] == list(answer)
    assert 9 == len(answer["user_code"])
    assert answer["user_code"].isalnum()
    assert (900, 5, f"{caller.tenant.url}/devicelogin") == (
        answer["expires_in"], answer["interval"], answer["verification_uri"],
    )  # fmt: skip
    assert answer["verification_uri"] in answer["message"]
    assert answer["user_code"] in answer["message"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"scope": ""}, 900144),
        ({"client_id": ""}, 900144),
        ({"scope": "User.Read https://vault.azure.net/.default"}, 28000),
        ({"claims": "{"}, 9002313),
    ],
)
def test_a_device_request_is_checked(caller: Caller, form: dict[str, str], code: int) -> None:
    """
    Scope and app are required, for one resource only (RFC 8628, 3.1).
    """
    assert [code] == caller.device(**form)["error_codes"]
