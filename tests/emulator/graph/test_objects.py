"""Objects of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_etags_are_off_like_the_real_ones_and_can_be_switched_on(graph: Graph) -> None:
    """
    By default `If-Match` is ignored; with the setting it is compared.
    """
    user = graph.make_user("Una")["id"]
    ignored = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "a"}, If_Match='W/"no"').status_code
    graph.tenant.seed.change_settings({"etags": True})
    tag = graph.get(f"/users/{user}")["@odata.etag"]
    wrong = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "b"}, If_Match='W/"no"').status_code
    right = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "b"}, If_Match=tag).status_code

    assert (204, 412, 204) == (ignored, wrong, right)
