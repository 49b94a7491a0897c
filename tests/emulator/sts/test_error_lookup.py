"""The page that explains an AADSTS number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(("code", "status"), [("50076", 200), ("1", 404), ("x", 404), ("9" * 20, 404)])
def test_numbers_are_explained(caller: Caller, code: str, status: int) -> None:
    """
    The page in `error_uri` explains a number, or says that the number is unknown.
    """
    assert status == caller.http.get("/error", params={"code": code}).status_code
