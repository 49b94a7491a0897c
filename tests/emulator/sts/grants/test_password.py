"""Resource owner password grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_a_second_factor_is_asked_for_with_claims(caller: Caller) -> None:
    """
    AADSTS50076 contains the claims to request next, as JSON text (service facts, 1.6).
    """
    assert '{"access_token": {"capolids"' in caller.password("mfa").json()["claims"]


def test_people_of_another_tenant_do_not_exist_in_this_one(caller: Caller) -> None:
    """
    A name is searched in the tenant of the path only (AADSTS50034).
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    caller.tenant.seed.add_user("fay@fabrikam.example", "Password-1", tenant_id=other.tenant_id)

    response = caller.password(username="fay@fabrikam.example", password="Password-1")

    assert [50034] == response.json()["error_codes"]
