"""Subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_subscription_counts_its_licenses(graph: Graph) -> None:
    """
    The id has the tenant and the product; an assigned license is counted.
    """
    sku = graph.get("/subscribedSkus")["value"][0]
    user = graph.make_user("Una", usageLocation="NO")["id"]
    body = {"addLicenses": [{"skuId": sku["skuId"], "disabledPlans": []}], "removeLicenses": []}
    graph.ask("POST", f"/users/{user}/assignLicense", body)

    assert f"{graph.tenant.tenant_id}_{sku['skuId']}" == sku["id"]
    assert sku["consumedUnits"] + 1 == graph.get(f"/subscribedSkus/{sku['id']}")["consumedUnits"]
    assert (501, "NotImplemented") == graph.refusal(f"/subscribedSkus/{sku['id']}", "DELETE")[:2]
