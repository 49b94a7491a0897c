"""A parsed request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"[" * 100_000])
def test_a_body_must_be_a_json_object(graph: Graph, body: bytes) -> None:
    """
    A body of another form, or without a media type of JSON, is refused with the words of the service.
    """
    headers = graph._headers | {"Content-Type": "application/json"}
    response = graph._http.post(f"{graph.root}/groups", content=body, headers=headers)
    other = graph._http.post(f"{graph.root}/groups", content=b"{}", headers=headers | {"Content-Type": "text/plain"})

    assert (400, 400) == (response.status_code, other.status_code)
    assert response.json()["error"]["message"].startswith("Unable to read JSON request payload.")
    assert other.json()["error"]["message"].startswith("Unable to read JSON request payload.")
