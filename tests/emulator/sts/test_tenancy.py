"""The tenant and the app of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.sts.tenancy import is_guid

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32ad8c5a-6125-471f-9ee1-afce592af5d9", True),
        ("32AD8C5A-6125-471F-9EE1-AFCE592AF5D9", True),
        ("32ad8c5a6125471f9ee1afce592af5d9", False),
        ("{32ad8c5a-6125-471f-9ee1-afce592af5d9}", False),
        ("contoso.example", False),
        ("", False),
    ],
)
def test_a_guid_has_its_usual_form(text: str, *, expected: bool) -> None:
    """
    Only the form with four hyphens is a GUID here; `uuid.UUID` accepts more.
    """
    assert expected == is_guid(text)


@pytest.mark.parametrize(
    ("name", "code"),
    [("nowhere.example", 90002), ("11111111-2222-4333-8444-555555555555", 90002), ("no name", 900023)],
)
def test_an_unknown_tenant_is_told_from_an_impossible_name(caller: Caller, name: str, code: int) -> None:
    """
    A domain or a GUID may be a tenant elsewhere (AADSTS90002); another name never is (AADSTS900023).
    """
    response = caller.token("client_credentials", at=name, client_secret="x", scope="https://x/.default")

    assert [code] == response.json()["error_codes"]
