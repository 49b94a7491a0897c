"""The value of a kind of objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.kind import Kind, known_property, property_of, stored_kinds
from entrakit_emulator.graph.kinds import KINDS, face
from entrakit_emulator.graph.schema import typed

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_names_only_its_own_properties(kind: Kind) -> None:
    """
    Default, required, filtered, sorted and searched properties are properties of the kind, each named once.
    """
    named = [
        *kind.default, *kind.required, *kind.never_empty, *kind.read_only, *kind.elements, *kind.sorting,
        *kind.sorting_advanced, *kind.searching, *kind.basic, *filter(None, [kind.alternate_key]),
    ]  # fmt: skip

    assert [] == [name for name in named if name not in kind.properties]
    assert [] == [name for name in kind.absent if name in kind.properties or kind.relation(name)]
    assert len(kind.default) == len(set(kind.default))


def test_names_come_in_any_case() -> None:
    """
    A property is found in any case; an unknown one is refused, and one that only the service has is named.
    """
    kind = Kind(
        name="x", collection="xs", properties=typed("id ab"), default=("id",), absent=frozenset({"cD"}), read=""
    )
    KINDS["x"] = kind
    try:
        assert ("ab", None) == (property_of("x", "AB"), property_of("x", "cd"))
        with pytest.raises(GraphError) as unknown:
            known_property("x", "ef")
        with pytest.raises(GraphError) as absent:
            known_property("x", "CD")
        assert (400, 501) == (unknown.value.status, absent.value.status)
        assert "property cD of the type x" in absent.value.message
    finally:
        del KINDS["x"]


def test_lists_are_never_null() -> None:
    """
    The default properties have the order of the service; a list without a value is empty.
    """
    shown = json.loads(face("user", {"id": "1"}))

    assert ("businessPhones", "id") == (next(iter(shown)), list(shown)[-1])
    assert ([], None) == (shown["businessPhones"], shown["mail"])


def test_computed_kinds_are_not_in_the_store() -> None:
    """
    The organization and subscriptions are computed, so no query of the store names them.
    """
    assert {"organization", "subscribedSku"} == set(KINDS) - set(stored_kinds())


@pytest.mark.parametrize(
    ("path", "name", "method"),
    [
        ("/groups?$select=id,{}", "allowExternalSenders", "GET"),
        ("/groups?$filter={} eq true", "hideFromAddressLists", "GET"),
        ("/applications", "servicePrincipalLockConfiguration", "POST"),
        ("/users?$select={}", "customSecurityAttributes", "GET"),
        ("/users", "aboutMe", "POST"),
        ("/users/ada@contoso.example?$select={}", "aboutMe", "GET"),
    ],
)
def test_properties_that_only_the_service_has_are_named(graph: Graph, path: str, name: str, method: str) -> None:
    """
    A property of v1.0 that the emulator lacks gets 501 with its name, never "Could not find a property".
    """
    body = {"displayName": "x", name.upper(): None} if method == "POST" else None
    status, code, message = graph.refusal(path.format(name), method, body)

    assert (501, "NotImplemented") == (status, code)
    assert name.lower() in message.lower()
    assert "Could not find" not in message
