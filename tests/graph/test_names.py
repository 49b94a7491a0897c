"""Filters and counts of names."""

from __future__ import annotations

import pytest
from tests.graph.names_service import GRAPH, to_end
from tests.graph.names_service import Names as Answers

from entrakit.graph.beginnings import Part
from entrakit.graph.names import Names, key_of


@pytest.mark.parametrize(
    ("parts", "own", "expected"),
    [
        ([Part("", 0)], "", ""),
        ([Part("a", 0)], "", "startsWith(userPrincipalName,'a')"),
        ([Part("o'", 0), Part("é", 0)], "", "startsWith(userPrincipalName,'o''') or startsWith(userPrincipalName,'é')"),
        (
            [Part("a", 0, ("ab",))],
            "x eq 1 or y eq 2",
            "(x eq 1 or y eq 2) and ((startsWith(userPrincipalName,'a') and not startsWith(userPrincipalName,'ab')))",
        ),
        (
            [Part("", 0, ("a", "b"))],
            "",
            "(not startsWith(userPrincipalName,'a') and not startsWith(userPrincipalName,'b'))",
        ),
    ],
)
def test_a_filter_selects_parts(parts: list[Part], own: str, expected: str) -> None:
    """
    Parts are joined by `or`, their exceptions by `and not`, and the filter of the caller is kept.
    """
    assert expected == Names(GRAPH, "/users", None, {"filter": own}).filter(parts)


def test_names_and_counts_share_batches() -> None:
    """
    A sample and 39 counts are two requests. The numbers are known after the last one; names may be known before.
    """
    service = Answers([f"{number:02}" for number in range(40)])
    found: list[object] = []
    names = Names(GRAPH, "/users", None, {})

    asked = names.count([f"{number:02}" for number in range(39)], [Part("0", 0)], found.append, found.append)
    for one in asked:
        one.learn(to_end(one.operation, service))

    assert 2 == len(asked) == service.batches
    sample, nothing, sizes = found
    assert ([f"0{digit}" for digit in range(10)], []) == (sample, nothing)
    assert {f"{number:02}": 1 for number in range(39)} == sizes


def test_refused_counts_are_none() -> None:
    """
    If the service refuses a count, no numbers are known.
    """
    found: list[object] = []
    (asked,) = Names(GRAPH, "/users", None, {}).count(["a", "b"], [], found.append, found.append)

    asked.learn(to_end(asked.operation, Answers(["ada"], refuses="'b'")))

    assert [[], None] == found


@pytest.mark.parametrize(
    ("path", "key"),
    [("/users", "userPrincipalName"), ("beta/groups", "mailNickname"), ("/devices", ""), ("/users/x/memberOf", "")],
)
def test_only_collections_with_names_have_a_key(path: str, key: str) -> None:
    """
    Users have sign-in names, groups have nicknames; other collections can't be read in ranges.
    """
    assert key == key_of(GRAPH, path)
