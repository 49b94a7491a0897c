"""The table of Graph's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_what_is_not_here_says_so(graph: Graph) -> None:
    """
    A function of the service that the emulator lacks is refused by name, not as an error of the caller.
    """
    assert 501 == graph.ask("GET", "/users?$expand=manager($levels=max)").status_code
    assert 501 == graph.ask("GET", "/oauth2PermissionGrants").status_code


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_method_that_is_none_of_the_address_is_refused(caller: Caller, method: str) -> None:
    """
    An unsupported method gets 405 with Graph's message.
    """
    headers = {"Authorization": f"Bearer {caller.person_token()}"}

    assert 405 == caller.http.request(method, "/v1.0/me", headers=headers).status_code


def test_the_rest_of_graph_is_refused_by_name(caller: Caller) -> None:
    """
    An unsupported path gets 501 with its name.
    """
    response = caller.graph(caller.person_token(), "/v1.0/contacts")

    assert 501 == response.status_code
    assert "/contacts" in response.json()["error_description"]
