"""Errors of the token service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_the_parts_of_an_error_belong_together(caller: Caller) -> None:
    """
    Description, ids, timestamp and headers agree; CR and LF separate the lines (service facts, 1.6).
    """
    response = caller.app_token(client_secret="wrong")
    body = response.json()

    assert response.headers["x-ms-request-id"] == body["trace_id"]
    assert "11111111-2222-4333-8444-555555555555" == body["correlation_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["error_description"].endswith(
        f"\r\nTrace ID: {body['trace_id']}\r\nCorrelation ID: {body['correlation_id']}\r\n"
        f"Timestamp: {body['timestamp']}"
    )
    assert f"{caller.tenant.url}/error?code=7000215" == body["error_uri"]


@pytest.mark.parametrize("form", [{"client_id": "my-app"}, {"grant_type": "saml"}])
def test_some_errors_have_no_page(caller: Caller, form: dict[str, str]) -> None:
    """
    AADSTS700038 and 70003 are sent without `error_uri` (service facts, 1.6).
    """
    response = caller.post("/oauth2/v2.0/token", {"grant_type": "client_credentials"} | form)

    assert "error_uri" not in response.json()
