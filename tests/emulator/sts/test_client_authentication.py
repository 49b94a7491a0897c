"""Authentication of apps."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest
from tests.emulator.sts.conftest import TYPE, assertion, prove

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_the_client_id_may_be_left_to_the_assertion(caller: Caller) -> None:
    """
    `client_id` is optional with an assertion (RFC 7521, 4.2).
    """
    assert 200 == prove(caller, assertion(caller), client_id="").status_code


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_assertion_type": "other"}, 9002313),
        ({"client_assertion_type": ""}, 900144),
        ({"client_secret": "both"}, 9002313),
    ],
)
def test_the_form_around_an_assertion_is_checked(caller: Caller, form: dict[str, str], code: int) -> None:
    """
    The type is required and fixed (RFC 7523, 2.2); secret and assertion exclude each other.
    """
    given_form = {"client_secret": "", "client_assertion": assertion(caller), "client_assertion_type": TYPE} | form

    assert [code] == caller.app_token(**given_form).json()["error_codes"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return an Authorization header of scheme Basic."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("client_id", ["", "52aaa676-1504-4f30-84d9-d906f960bdc4"])
def test_a_secret_may_come_by_http_basic(caller: Caller, client_id: str) -> None:
    """
    Both halves are form-encoded, and the body may contain the client id as well (RFC 6749, 2.3.1).
    """
    caller.tenant.seed.add_secret(caller.tenant.confidential_client, "with: colon + ü")

    caller.headers = basic(caller.tenant.confidential_client, "with: colon + ü")

    response = caller.app_token(client_id=client_id, client_secret="")

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Basic %%%"}, 9002313),
        ({"Authorization": f"Basic {base64.b64encode(bytes([255, 58])).decode()}"}, 9002313),
        (basic("5df655db-fb5e-4dcd-a225-31028301360e", "x"), 9002313),
        (basic("52aaa676-1504-4f30-84d9-d906f960bdc4", "wrong"), 7000215),
        ({"Authorization": "Digest x"}, 7000218),
    ],
)
def test_http_basic_is_checked(caller: Caller, headers: dict[str, str], code: int) -> None:
    """
    A malformed or wrong header, one for another app, or another scheme is refused.
    """
    caller.headers = headers

    response = caller.app_token(client_secret="")

    assert [code] == response.json()["error_codes"]
