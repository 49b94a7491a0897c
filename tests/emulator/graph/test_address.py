"""Parsing of addresses of Graph."""

from __future__ import annotations

import pytest

from entrakit_emulator.graph.address import options_of, segments_of
from entrakit_emulator.graph.errors import GraphError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("users/ada@contoso.example", ("users", "ada@contoso.example")),
        ("users('o''neill@contoso.example')", ("users", "o'neill@contoso.example")),
        ("applications(appId='abc')/owners", ("applications", "appId=abc", "owners")),
        ("groups/a%2Fb", ("groups", "a/b")),
        ("groups/1/members/graph.user", ("groups", "1", "members", "microsoft.graph.user")),
        ("users/microsoft.graph.delta()", ("users", "delta()")),
    ],
)
def test_key_forms_and_namespaces_are_taken_apart(path: str, expected: tuple[str, ...]) -> None:
    """
    Keys in parentheses become segments; a type has its full name, a function has no namespace.
    """
    assert expected == segments_of(path)


def test_options_are_known_by_their_lower_case_name() -> None:
    """
    The case of an option does not matter, and only beta takes one without `$`.
    """
    assert {"$top": "5", "x": "y"} == options_of({"$TOP": "5", "x": "y"}, "v1.0")
    assert {"top": "5"} == options_of({"top": "5"}, "v1.0")
    assert {"$top": "5"} == options_of({"top": "5"}, "beta")


def test_an_unknown_option_is_refused_by_name() -> None:
    """
    An option with `$` that OData does not define is an error (400).
    """
    with pytest.raises(GraphError) as caught:
        options_of({"$nonsense": "1"}, "v1.0")

    assert (400, "The query parameter '$nonsense' is not supported.") == (caught.value.status, caught.value.message)
