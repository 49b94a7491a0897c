"""Subscriptions of the tenant, with their numbers of licenses."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.graph.kind import Kind
from entrakit_emulator.graph.licenses import SKUS, Sku, plans_of, used
from entrakit_emulator.graph.permissions import LICENSE_READ
from entrakit_emulator.graph.schema import names_in, typed

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]


def _documents(call: Call) -> list[JSON]:
    return [_subscribed(call, sku) for sku in SKUS]


def _subscribed(call: Call, sku: Sku) -> JSON:
    return {
        "accountId": call.tenant,
        "accountName": call.exchange.world.tenants[call.tenant].name,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": used(call, sku.sku_id),
        "id": f"{call.tenant}_{sku.sku_id}",
        "skuId": sku.sku_id,
        "skuPartNumber": sku.number,
        "subscriptionIds": [str(uuid.uuid5(uuid.UUID(sku.sku_id), call.tenant))],
        "prepaidUnits": {"enabled": sku.seats, "lockedOut": 0, "suspended": 0, "warning": 0},
        "servicePlans": plans_of(sku, []),
    }


KIND = Kind(
    name="subscribedSku",
    collection="subscribedSkus",
    properties=typed(
        "accountId accountName appliesTo capabilityStatus id skuId skuPartNumber",
        lists="servicePlans subscriptionIds",
        objects="prepaidUnits",
        numbers="consumedUnits",
    ),
    default=names_in(
        "accountId accountName appliesTo capabilityStatus consumedUnits id skuId skuPartNumber subscriptionIds "
        "prepaidUnits servicePlans"
    ),
    read=LICENSE_READ,
    documents=_documents,
)
