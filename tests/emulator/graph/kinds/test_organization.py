"""The organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("kind", ["person", "app"])
def test_the_organization_is_the_tenant(caller: Caller, kind: str) -> None:
    """
    Users with User.Read and apps with Directory.Read.All can read the organization.
    """
    token = caller.person_token() if kind == "person" else caller.app_token().json()["access_token"]

    value = caller.graph(token, "/v1.0/organization").json()["value"]

    assert [(caller.tenant.tenant_id, "Contoso (emulated)")] == [(one["id"], one["displayName"]) for one in value]
    assert ["contoso.example", "contoso.onmicrosoft.com"] == [one["name"] for one in value[0]["verifiedDomains"]]


def test_the_organization_has_all_its_parts(caller: Caller) -> None:
    """
    The answer has the parts of the recorded one (service facts, 3.4). The quota counts objects.
    """
    token = caller.app_token().json()["access_token"]
    (one,) = caller.graph(token, "/v1.0/organization").json()["value"]
    listed = caller.graph(token, "/v1.0/users?$top=999").json()["value"]

    assert {"isMultipleDataLocationsForServicesEnabled", "directorySizeQuota", "privacyProfile"} <= set(one)
    assert one["directorySizeQuota"]["total"] > one["directorySizeQuota"]["used"] >= len(listed)
