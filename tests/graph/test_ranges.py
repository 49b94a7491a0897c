"""Collections in ranges: with any names, no object is missing and none occurs twice."""

from __future__ import annotations

import json
import re
import string
import urllib.parse
from typing import TYPE_CHECKING, TypedDict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.fake_service import reply, run

from entrakit.errors import UnexpectedAnswerError
from entrakit.graph.ranges import Range, pack, ranged_listing
from entrakit.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.graph.ranges import RangedListing
    from entrakit.services.listing import Listing
    from entrakit.services.odata import Query
    from entrakit.services.operation import Request, Response

    JSON = dict[str, object]

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)
PAGE = 7
NAMES = st.text(st.sampled_from(string.ascii_letters + string.digits + "'_-.#é"), min_size=1, max_size=6)


class Collection:
    """A service of users that filters by beginnings of names, counts, and pages.

    Args:
        names: Names of the users.
        says: Function that makes the number in `$count` from the true one.
    """

    def __init__(self, names: list[str], says: Callable[[int], int] = lambda count: count) -> None:
        self.users: list[JSON] = [{"id": str(number), "userPrincipalName": name} for number, name in enumerate(names)]
        self.says = says
        self.pages = 0

    def __call__(self, request: Request) -> Response:
        """Answer."""
        if request.url.endswith("/$batch"):
            answers = []
            for one in json.loads(request.body or b"")["requests"]:
                content = self(request._replace(url=GRAPH.url + one["url"], body=None)).body
                headers = {"Content-Type": "text/plain"}
                answers.append({"id": one["id"], "status": 200, "headers": headers, "body": content.decode()})
            return reply(request, 200, {"responses": answers})
        path, _, query = request.url.partition("?")
        options = dict(urllib.parse.parse_qsl(query))
        terms = [
            one.replace("''", "'").lower()
            for one in re.findall(r"startsWith\(userPrincipalName,'((?:[^']|'')*)'\)", options.get("$filter", ""))
        ]
        assert len(terms) <= 15
        found = [
            one for one in self.users if not terms or str(one["userPrincipalName"]).lower().startswith(tuple(terms))
        ]
        if path.endswith("/$count"):
            return reply(request, 200)._replace(
                body=str(self.says(len(found))).encode(), headers={"content-type": "text/plain"}
            )
        self.pages += 1
        begin = int(options.get("$skiptoken", "0"))
        body: JSON = {"value": [dict(one) for one in found[begin : begin + PAGE]]}
        if begin + PAGE < len(found):
            body["@odata.nextLink"] = f"{path}?{urllib.parse.urlencode({**options, '$skiptoken': str(begin + PAGE)})}"
        return reply(request, 200, body)


def read(collection: Collection, at_once: int = 4, **query: object) -> list[JSON]:
    """Read a collection in ranges, as the clients do, one range after another."""
    options: Query = {"top": PAGE, **query}  # type: ignore[typeddict-item] # known options
    cut: RangedListing[JSON] | None = ranged_listing(GRAPH, "/users", None, None, options, at_once=at_once)
    assert cut is not None

    def walked(listing: Listing[JSON]) -> list[JSON]:
        items: list[JSON] = []
        while not listing.is_finished:
            items += cut.unseen(run(listing.advance(), collection).items)
        return items

    found = [item for listing in run(cut.plan(), collection) for item in walked(listing)]
    if not run(cut.is_complete(), collection):
        found += walked(cut.whole())
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, max_size=120), st.integers(2, 8))
def test_everything_comes_once(names: list[str], at_once: int) -> None:
    """
    With any beginnings of names, including letters that no range has, each object is returned once.
    """
    collection = Collection(names)

    found = read(collection, at_once)

    assert sorted(str(one["id"]) for one in collection.users) == sorted(str(one["id"]) for one in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abcxyz019", min_size=1, max_size=5), max_size=120), st.integers(2, 8), st.integers(-5, 5))
def test_counts_that_lag_behind_lose_nothing(names: list[str], at_once: int, error: int) -> None:
    """
    With wrong counts, as from an index that lags behind, each object is returned once.
    """
    collection = Collection(names, lambda count: max(0, count + error))

    found = read(collection, at_once)

    assert sorted(str(one["id"]) for one in collection.users) == sorted(str(one["id"]) for one in found)


def test_names_with_a_long_common_beginning_are_cut() -> None:
    """
    Names with a common beginning are split where they differ.
    """
    collection = Collection([f"person{number:04}@contoso.com" for number in range(400)])
    cut: RangedListing[JSON] | None = ranged_listing(GRAPH, "/users", None, None, {"top": PAGE}, at_once=8)
    assert cut is not None

    listings = run(cut.plan(), collection)

    assert len(listings) >= 8
    assert 400 == len(read(collection, 8))


def test_ids_are_asked_for_and_left_out_again() -> None:
    """
    If the query selects properties without the id, the id is requested, too, and is not in the result.
    """
    found = read(
        Collection([f"{letter}{number}" for letter in "abcdef" for number in range(9)]), select=["userPrincipalName"]
    )

    assert 54 == len(found)
    assert {"userPrincipalName"} == {name for one in found for name in one}


@given(st.lists(st.integers(1, 500), max_size=60), st.integers(1, 12))
def test_ranges_are_packed_without_loss(sizes: list[int], at_once: int) -> None:
    """
    Packing preserves each beginning, once, and no range has more terms than the service accepts.
    """
    ranges = [Range((str(number),), size) for number, size in enumerate(sizes)]

    result = pack(ranges, at_once)

    assert sorted(str(number) for number in range(len(sizes))) == sorted(
        one for made in result for one in made.beginnings
    )
    assert sum(sizes) == sum(made.size for made in result)
    assert all(len(made.beginnings) <= 15 for made in result)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/devices", {}),
        ("/groups/ID/members", {}),
        ("/users", {"search": '"displayName:a"'}),
        ("/users", {"orderby": "displayName"}),
    ],
)
def test_what_can_not_be_cut_is_read_as_a_whole(path: str, query: JSON) -> None:
    """
    Other collections, sorted ones and searches are not split.
    """
    assert ranged_listing(GRAPH, path, None, None, query, at_once=8) is None  # type: ignore[arg-type]


class Named(msgspec.Struct):
    """A user without the id."""

    name: str = msgspec.field(name="userPrincipalName")


class Typed(TypedDict):
    """A user without the id, as a dict."""

    userPrincipalName: str


@pytest.mark.parametrize("count", [5, 90])
@pytest.mark.parametrize("kind", [Named, Typed])
def test_a_type_need_not_have_the_id(kind: type[object], count: int) -> None:
    """
    Objects are distinguished by their ids, with any type.
    """
    collection = Collection([f"{'abcdef'[number % 6]}{number:03}" for number in range(count)])
    cut: RangedListing[object] | None = ranged_listing(GRAPH, "/users", kind, None, {"top": PAGE}, at_once=4)
    assert cut is not None

    listings = run(cut.plan(), collection) or [cut.whole()]
    found = [one for listing in listings for one in all_of(listing, cut, collection)]

    names = [one.name if isinstance(one, Named) else one["userPrincipalName"] for one in found]  # type: ignore[index] # the other
    assert sorted(str(one["userPrincipalName"]) for one in collection.users) == sorted(names)


def all_of(listing: Listing[object], cut: RangedListing[object], collection: Collection) -> list[object]:
    """Return the new objects of a listing."""
    found: list[object] = []
    while not listing.is_finished:
        found += cut.unseen(run(listing.advance(), collection).items)
    return found


def test_an_object_of_another_type_is_told() -> None:
    """
    An object of another type is an error of the tree, not of the decoder.
    """

    class Wrong(msgspec.Struct):
        name: int = msgspec.field(name="userPrincipalName")

    cut: RangedListing[object] | None = ranged_listing(GRAPH, "/users", Wrong, None, {"top": PAGE}, at_once=4)
    assert cut is not None

    with pytest.raises(UnexpectedAnswerError, match="not of the requested type"):
        all_of(cut.whole(), cut, Collection(["ada"]))


@pytest.mark.parametrize(
    ("given", "terms"),
    [
        (" or ".join(f"startsWith(displayName,'{one}')" for one in "abcdefghij"), 10),
        ("jobTitle in ('a','b','or, in (x,y)') and accountEnabled eq true", 3),
        ("displayName eq 'this or that'", 0),
    ],
)
def test_a_filter_of_the_callers_keeps_its_terms(given: str, terms: int) -> None:
    """
    The service accepts fifteen terms that are joined by `or` or listed by `in`: ranges use the remaining ones.
    """
    collection = Collection([f"{letter}{number}" for letter in "abcdefghijklmnopqrstuvwxyz" for number in range(9)])
    query: Query = {"top": PAGE, "filter": given}
    cut: RangedListing[JSON] | None = ranged_listing(GRAPH, "/users", None, None, query, at_once=2)
    assert cut is not None

    links = [listing.position or "" for listing in run(cut.plan(), collection)]

    assert links
    assert (
        max(link.count("startsWith%28userPrincipalName") + link.count("startsWith(userPrincipalName") for link in links)
        <= 15 - terms
    )


def test_a_count_that_is_no_number_is_as_none() -> None:
    """
    If a count can't be read, the collection is read as a whole.
    """

    def answer(request: Request) -> Response:
        asked = json.loads(request.body or b"")["requests"]
        return reply(request, 200, {"responses": [{"id": one["id"], "status": 200, "body": {"x": 1}} for one in asked]})

    cut: RangedListing[JSON] | None = ranged_listing(GRAPH, "/users", None, None, {}, at_once=4)
    assert cut is not None

    assert [] == run(cut.plan(), answer)
