"""Devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.emulator.graph.conftest import EVENTUAL, GRAPH, Graph

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

DEVICE_ID = "4C299165-6E8F-4B45-A5BA-C5D250A707FF"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def devices(caller: Caller) -> Graph:
    """Graph as an app that manages devices sees it."""
    roles = ["Device.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All"]
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, GRAPH, roles)
    return Graph(caller, caller.app_token().json()["access_token"])


def body_of(number: int, **more: object) -> dict[str, object]:
    """Return the body that registers a device."""
    return {
        "accountEnabled": True, "displayName": f"Laptop {number}",
        "deviceId": f"{number:08}-6e8f-4b45-a5ba-c5d250a707ff",
        "alternativeSecurityIds": [{"type": 2, "identityProvider": None, "key": "base64Y3YxN2E1MWFlYw=="}],
        "operatingSystem": "Windows", "operatingSystemVersion": "10.0.19045", **more,
    }  # fmt: skip


def register(graph: Graph, number: int, **more: object) -> Any:  # noqa: ANN401 - JSON
    """Register a device."""
    response = graph.ask("POST", "/devices", body_of(number, **more))
    assert response.status_code == 201, response.text
    return response.json()


def test_a_device_from_its_registration_to_its_end(devices: Graph) -> None:
    """
    A device has an id and a device id, both address it; a deleted one can't be restored.
    """
    made = register(devices, 1, deviceId=DEVICE_ID)
    changed = devices.ask("PATCH", f"/devices/{made['id']}", {"accountEnabled": False, "isCompliant": True})
    read = devices.get(f"/devices(deviceId='{DEVICE_ID}')")
    by_device_id = devices.refusal(f"/devices/{DEVICE_ID}")[0]
    deleted = devices.ask("DELETE", f"/devices(deviceId='{DEVICE_ID.lower()}')")

    assert made["id"] != made["deviceId"] == DEVICE_ID.lower()
    assert (204, 404, 204) == (changed.status_code, by_device_id, deleted.status_code)
    assert (made["id"], False, True) == (read["id"], read["accountEnabled"], read["isCompliant"])
    assert 404 == devices.refusal(f"/devices/{made['id']}")[0]
    assert 501 == devices.ask("GET", "/directory/deletedItems/microsoft.graph.device").status_code


@pytest.mark.parametrize("name", ["accountEnabled", "alternativeSecurityIds", "deviceId", "displayName"])
def test_what_a_device_needs(devices: Graph, name: str) -> None:
    """
    A missing property is named, and a device id can be used once.
    """
    body = {key: value for key, value in body_of(1).items() if key != name}
    register(devices, 2)

    assert f"'{name}' of resource 'Device'" in devices.refusal("/devices", "POST", body)[2]
    assert (400, "Request_BadRequest") == devices.refusal("/devices", "POST", body_of(2))[:2]


@pytest.mark.parametrize(
    ("options", "advanced", "numbers"),
    [
        ("$filter=deviceId eq '00000002-6E8F-4B45-A5BA-C5D250A707FF'", False, [2]),
        ("$filter=startsWith(operatingSystem,'linux')", False, [3]),
        ("$filter=accountEnabled eq false", False, [2]),
        ("$filter=alternativeSecurityIds/any(a:a/type eq 2) and displayName ne 'Laptop 1'&$count=true", True, [2, 3]),
        ('$search="displayName:laptop"&$orderby=displayName desc', True, [3, 2, 1]),
    ],
)
def test_devices_are_found(devices: Graph, options: str, advanced: bool, numbers: list[int]) -> None:
    """
    Filters, search and order follow the table of the service.
    """
    register(devices, 1)
    register(devices, 2, accountEnabled=False)
    register(devices, 3, operatingSystem="Linux")
    page = devices.get(f"/devices?{quote(options, safe='$=&')}", **(EVENTUAL if advanced else {}))

    assert [f"Laptop {number}" for number in numbers] == [one["displayName"] for one in page["value"]]


def test_devices_are_counted_and_paged(devices: Graph) -> None:
    """
    Lists have pages, and `$count` counts.
    """
    ids = [register(devices, number)["id"] for number in range(5)]

    assert ids == devices.ids("/devices?$top=2")
    assert "5" == devices.ask("GET", "/devices/$count", **EVENTUAL).text
    assert 5 == devices.get("/devices?$count=true&$top=1", **EVENTUAL)["@odata.count"]


def test_changes_of_devices(devices: Graph) -> None:
    """
    A delta query reports new, changed and deleted devices.
    """
    first, second = (register(devices, number)["id"] for number in (1, 2))
    link = devices.get("/devices/delta")["@odata.deltaLink"]
    devices.ask("PATCH", f"/devices/{first}", {"displayName": "Kiosk"})
    devices.ask("DELETE", f"/devices/{second}")
    items = devices.get(link)["value"]

    assert {first: "Kiosk", second: None} == {one["id"]: one.get("displayName") for one in items}
    assert [{"reason": "deleted"}] == [one["@removed"] for one in items if "@removed" in one]


def test_owners_and_users_of_a_device(devices: Graph) -> None:
    """
    A device has one registered owner and any number of registered users; both are added and removed by reference.
    """
    device = register(devices, 1)["id"]
    ada, bo = (devices.make_user(name)["id"] for name in ("Ada2", "Bo2"))

    def refer(method: str, path: str, user: str = "") -> int:
        body = {"@odata.id": f"{devices.root}/users/{user}"} if user else None
        return devices.ask(method, f"/devices/{device}/{path}/$ref", body).status_code

    owned = [refer("POST", "registeredOwners", one) for one in (ada, ada, bo)]
    used = [refer("POST", "registeredUsers", one) for one in (ada, bo)]

    assert ([204, 400, 400], [204, 204]) == (owned, used)
    assert [ada] == devices.ids(f"/devices/{device}/registeredOwners")
    assert {ada, bo} == set(devices.ids(f"/devices/{device}/registeredUsers/microsoft.graph.user"))
    assert [[device], []] == [devices.ids(f"/users/{one}/ownedDevices") for one in (ada, bo)]
    assert [device] == devices.ids(f"/users/{bo}/registeredDevices/microsoft.graph.device")
    assert 204 == refer("DELETE", f"registeredUsers/{bo}")
    assert 404 == refer("DELETE", f"registeredUsers/{bo}")
    assert "Ada2" == devices.get(f"/devices/{device}?$expand=registeredOwners")["registeredOwners"][0]["displayName"]


def test_devices_are_members_of_groups(devices: Graph) -> None:
    """
    A device is a member of security groups, with its type, and knows its groups; a Microsoft 365 group has users only.
    """
    device, group = register(devices, 1)["id"], devices.make_group("Kiosks")["id"]
    unified = devices.make_group("Club", groupTypes=["Unified"], mailEnabled=True)["id"]

    assert (204, 400) == (devices.add(group, device).status_code, devices.add(unified, device).status_code)
    (member,) = devices.get(f"/groups/{group}/members")["value"]
    assert ("#microsoft.graph.device", device) == (member["@odata.type"], member["id"])
    assert [device] == devices.ids(f"/groups/{group}/members/microsoft.graph.device")
    assert [group] == devices.ids(f"/devices/{device}/memberOf")
    assert "#microsoft.graph.device" == devices.get(f"/directoryObjects/{device}")["@odata.type"]


def test_permissions_of_devices(caller: Caller) -> None:
    """
    Device.Read.All reads; Directory.ReadWrite.All does not write; only an app says whether a device is compliant.
    """
    tenant = caller.tenant

    def app(*roles: str) -> Graph:
        tenant.seed.grant_roles(tenant.confidential_client, GRAPH, roles)
        return Graph(caller, caller.app_token().json()["access_token"])

    made = register(app("Device.ReadWrite.All"), 1)["id"]
    scopes = ["Directory.AccessAsUser.All"]
    tenant.seed.withdraw(tenant.users.normal.upn, tenant.public_client)
    tenant.seed.grant(tenant.users.normal.upn, tenant.public_client, GRAPH, scopes)
    user = Graph(caller, caller.password(scope=" ".join(scopes)).json()["access_token"])

    assert made == app("Device.Read.All").get(f"/devices/{made}")["id"]
    assert 403 == app("Device.Read.All").refusal(f"/devices/{made}", "DELETE")[0]
    assert 403 == app("Directory.ReadWrite.All").refusal(f"/devices/{made}", "DELETE")[0]
    assert 403 == app("User.Read.All").refusal("/devices")[0]
    assert 403 == user.refusal(f"/devices/{made}", "PATCH", {"isCompliant": True})[0]
    assert 204 == user.ask("PATCH", f"/devices/{made}", {"accountEnabled": False}).status_code
