"""The service of a request: one of the list, or another address with its resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command, GraphCommand


def test_columns_of_another_service_are_chosen_here(graph: GraphCommand) -> None:
    """
    Other services may not support `$select`, so their tables are reduced to the columns here.
    """
    words = ("request", "GET", "/subscriptions", "--service", "azure", "--select", "displayName", "--what-if")

    assert "$select" not in graph(*words, "--output", "table").output
    assert "$select=displayName" in graph(*words).output


def test_a_service_of_ones_own(graph: GraphCommand) -> None:
    """
    An address and a resource make a service with its own token, without the rules of Graph.
    """
    words = ("request", "GET", "/users", "--service-url", f"{graph.server.url}/v1.0", "--resource")
    nowhere = ("request", "GET", "/orders", "--service-url", "http://orders.contoso.com", "--resource", "api://orders")

    asked = graph(*words, "https://graph.microsoft.com", "--count")
    alone = graph(*words[:-1])
    plain = graph(*nowhere)

    assert "value" in json.loads(asked.output)
    assert "consistencylevel" not in {name.lower() for name in graph.server.asked[-1][2]}
    assert (2, True) == (alone.code, "require each other" in alone.error)
    assert (2, True) == (plain.code, "is not the address of a service" in plain.error)


def test_a_connection_is_named_by_an_argument_or_an_option(connected: Command) -> None:
    """
    Commands that act on a connection take its name in both ways; two different names are an error.
    """
    for words in (("status", "default"), ("status", "--name", "default"), ("use", "--name", "default")):
        assert 0 == connected(*words).code
    assert 0 == connected("use", "default", "--name", "default").code
    assert 2 == connected("use", "default", "--name", "other").code
    assert 3 == connected("disconnect", "--name", "nobody").code
    assert "Removed default" in connected("disconnect", "--name", "default").error


def test_a_token_in_the_place_of_a_name_is_not_repeated(connected: Command) -> None:
    """
    A string that is too long for a name may be a token, and errors are logged: it is not in the error.
    """
    token = connected("token").output.strip()

    for command in ("token", "status", "use", "disconnect"):
        for words in ((command, token), (command, "--name", token)):
            result = connected(*words)
            assert (2, "") == (result.code, result.output)
            assert f"A string of {len(token)} characters can't be the name of a connection." in result.error
            assert token[:20] not in result.error
