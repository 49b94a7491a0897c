"""Subscriptions and licenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_subscriptions_and_the_organization(graph: Graph) -> None:
    """
    Subscriptions and the organization can be read; subscriptions support no filter.
    """
    skus = graph.get("/subscribedSkus")["value"]

    assert skus[0]["id"] == f"{graph.tenant.tenant_id}_{skus[0]['skuId']}"
    assert graph.get(f"/subscribedSkus/{skus[0]['id']}?$select=skuId").keys() >= {"skuId"}
    assert 400 == graph.refusal("/subscribedSkus?$filter=skuId eq 'x'")[0]
    assert graph.tenant.tenant_id == graph.get(f"/organization/{graph.tenant.tenant_id}")["id"]
