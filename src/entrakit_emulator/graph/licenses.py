"""The subscriptions of a tenant, and licenses of its users."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import bad_request
from entrakit_emulator.graph.objects import found, shown
from entrakit_emulator.graph.timestamps import stamp
from entrakit_emulator.jose import b64url

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]


class Sku(NamedTuple):
    """A subscription.

    Args:
        number: Part number.
        sku_id: GUID.
        seats: Number of licenses.
        plans: Service plans by name and id.
    """

    number: str
    sku_id: str
    seats: int
    plans: tuple[tuple[str, str], ...]


SKUS = (
    Sku("AAD_PREMIUM", "078d2b04-f1bd-4111-bbd4-b4b1b354cef4", 100, (
        ("AAD_PREMIUM", "41781fb2-bc02-4b7c-bd55-b576c07bb09d"),
        ("MFA_PREMIUM", "8a256a2b-b617-496d-b51b-e76466e88db0"),
    )),
    Sku("ENTERPRISEPACK", "6fd2c87f-b296-42f0-b197-1e91e994b900", 50, (
        ("TEAMS1", "57ff2da0-773e-42df-b2af-ffb7a2317929"),
        ("EXCHANGE_S_FOUNDATION", "113feb6c-3fe4-4440-bddc-54d774bf0318"),
    )),
)  # fmt: skip
BY_ID = {one.sku_id: one for one in SKUS}


def details(call: Call, key: str) -> Reply:
    """List the licenses of a user, with their plans."""
    stored = found(call, key, ("user",))
    value = [
        {
            "id": _opaque(stored.id, sku.sku_id),
            "skuId": sku.sku_id,
            "skuPartNumber": sku.number,
            "servicePlans": plans_of(sku, disabled),
        }
        for sku, disabled in ((BY_ID[sku_id], plans) for sku_id, plans in _held(stored.doc).items())
    ]
    context = f"{call.root}/$metadata#users('{stored.id}')/licenseDetails"
    return Reply(200, {"@odata.context": context, "value": value})


def assign(call: Call, key: str) -> Reply:
    """Assign and remove licenses: all of them, or none. A user with a license needs a usage location."""
    stored = found(call, key, ("user",))
    add, remove = _asked(call)
    held = _held(stored.doc)
    for sku_id in remove:
        if sku_id not in held:
            raise bad_request("User does not have a corresponding license.")
        del held[sku_id]
    for sku_id, disabled in add.items():
        if not stored.doc.get("usageLocation"):
            raise bad_request("License assignment cannot be done for user with invalid usage location.")
        if sku_id not in held and used(call, sku_id) >= BY_ID[sku_id].seats:
            raise bad_request(f"Subscription with SKU {sku_id} does not have any available licenses.")
        held[sku_id] = disabled
    changes: JSON = {
        "assignedLicenses": [{"disabledPlans": disabled, "skuId": sku_id} for sku_id, disabled in held.items()],
        "assignedPlans": [
            {
                "assignedDateTime": stamp(call.now),
                "capabilityStatus": "Enabled",
                "service": name,
                "servicePlanId": plan,
            }
            for sku_id, disabled in held.items()
            for name, plan in BY_ID[sku_id].plans
            if plan not in disabled
        ],
    }
    call.store.put(call.tenant, "user", stored.doc | changes, call.now, list(changes))
    return Reply(200, shown(call, found(call, stored.id, ("user",))), {"location": call.exchange.world.origin})


def _asked(call: Call) -> tuple[dict[str, list[str]], list[str]]:
    """Return the licenses to add, with their disabled plans, and those to remove; each must be a subscription."""
    body = call.json()
    missing = [name for name in ("addLicenses", "removeLicenses") if not isinstance(body.get(name), list)]
    if missing:
        raise bad_request(
            "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing "
            f"parameters are: {', '.join(missing)}."
        )
    given, taken = body["addLicenses"], body["removeLicenses"]
    add: dict[str, list[str]] = {}
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict):
            raise bad_request("Invalid value specified for property 'addLicenses' of resource 'User'.")
        sku = _sku(one.get("skuId"))
        disabled = one.get("disabledPlans") or []
        plans = {plan for _, plan in sku.plans}
        if not isinstance(disabled, list) or not {str(plan).lower() for plan in disabled} <= plans:
            raise bad_request("Invalid value specified for property 'disabledPlans' of resource 'User'.")
        add[sku.sku_id] = [str(plan).lower() for plan in disabled]
    return add, [_sku(one).sku_id for one in (taken if isinstance(taken, list) else [])]


def _sku(sku_id: object) -> Sku:
    sku = BY_ID.get(str(sku_id).lower())
    if sku is None:
        raise bad_request(f"License {sku_id} does not correspond to a valid company License.")
    return sku


def _held(doc: JSON) -> dict[str, list[str]]:
    """Return the licenses in a document, each with its disabled plans."""
    listed = doc.get("assignedLicenses")
    return {str(one["skuId"]): list(one["disabledPlans"]) for one in (listed if isinstance(listed, list) else [])}


def used(call: Call, sku_id: str) -> int:
    """Return the number of users with a license of a subscription."""
    where = "tenant=? AND kind='user' AND deleted IS NULL AND doc LIKE ?"
    return call.store.count(where, (call.tenant, f'%"skuId":"{sku_id}"%'))


def plans_of(sku: Sku, disabled: list[str]) -> list[JSON]:
    """Return the service plans of a subscription as Graph shows them."""
    return [
        {
            "servicePlanId": plan,
            "servicePlanName": name,
            "provisioningStatus": "Disabled" if plan in disabled else "Success",
            "appliesTo": "User",
        }
        for name, plan in sku.plans
    ]


def _opaque(*ids: str) -> str:
    return b64url(b"".join(uuid.UUID(one).bytes for one in ids))
