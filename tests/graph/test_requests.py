"""The requests of both clients as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from entrakit.errors import ParameterError
from entrakit.graph.client import Client
from entrakit.graph.client_async import AsyncClient
from entrakit.services.service import Service

if TYPE_CHECKING:
    from entrakit.graph.requests import Requests
    from entrakit.services.runner import Runner
    from entrakit.services.runner_async import AsyncRunner

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)


class Unused:
    """A runner that can't run anything."""

    service = GRAPH
    tenant_id = "contoso.com"


REQUESTS = [Client(cast("Runner", Unused())), AsyncClient(cast("AsyncRunner", Unused()))]


@pytest.mark.parametrize("requests", REQUESTS, ids=repr)
def test_values_are_made_without_a_runner(requests: Requests) -> None:
    """
    A call and a listing are made, and a call is previewed, without sending a request.
    """
    call = requests.call("GET", "/users", select=["id"])

    assert f"{GRAPH.url}/users?$select=id" == requests.preview(call).url
    assert f"{GRAPH.url}/users?$top=5" == requests.listing("/users", top=5).position


@pytest.mark.parametrize("requests", REQUESTS, ids=repr)
def test_arguments_are_checked_when_the_value_is_made(requests: Requests) -> None:
    """
    An invalid argument is an error in the call that makes the value.
    """
    with pytest.raises(ParameterError, match="top is the size of a page"):
        requests.listing("/users", top=0)
    with pytest.raises(ParameterError, match="is not a host of the service"):
        requests.call("GET", "https://evil.example/users")
    with pytest.raises(ParameterError, match="is not a delta query"):
        requests.delta("/users")  # type: ignore[attr-defined] # both clients have it


def test_each_client_shows_its_service() -> None:
    """
    The `repr` of a client names its type and the address of its service.
    """
    assert ["Client(https://graph.microsoft.com/v1.0)", "AsyncClient(https://graph.microsoft.com/v1.0)"] == [
        repr(one) for one in REQUESTS
    ]
