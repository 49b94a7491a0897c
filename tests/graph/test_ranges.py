"""Collections in ranges: with any names, no object is missing, none occurs twice, and all workers are busy."""

from __future__ import annotations

import json
import random
import string
from typing import TYPE_CHECKING, TypedDict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.graph.names_service import GRAPH, Names, ranged, read, to_end
from tests.services.fake_service import reply

from entrakit.errors import UnexpectedAnswerError
from entrakit.graph.ranges import ranged_listing
from entrakit.services.jobs import Queue
from entrakit_emulator.graph import bulk_objects

if TYPE_CHECKING:
    from entrakit.http.message import Request, Response

    JSON = dict[str, object]

PAGE = 7
NAMES = st.text(st.sampled_from(string.ascii_letters + string.digits + "'_-.#éüжß漢"), min_size=1, max_size=6)
RUSSIAN = "абвгдежзийклмнопрстуфхцчшщэюя"


def ids(items: list[JSON]) -> list[str]:
    """Return the sorted ids of objects."""
    return sorted(str(one["id"]) for one in items)


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, max_size=120), st.integers(2, 8))
def test_everything_comes_once(names: list[str], at_once: int) -> None:
    """
    With any beginnings of names, including letters outside ASCII, each object is returned once.
    """
    service = Names(names)

    found = read(service, ranged(at_once, top=PAGE)).items

    assert ids(service.items) == ids(found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abcxyz019é", min_size=1, max_size=5), max_size=120), st.integers(2, 8), st.integers(-5, 5))
def test_counts_that_lag_behind_lose_nothing(names: list[str], at_once: int, error: int) -> None:
    """
    With wrong counts, as from an index that lags behind, each object is returned once.
    """
    service = Names(names, says=lambda count: max(0, count + error))

    found = read(service, ranged(at_once, top=PAGE)).items

    assert ids(service.items) == ids(found)


@settings(max_examples=50, deadline=None)
@given(st.lists(NAMES, min_size=20, max_size=120), st.integers(2, 8))
def test_a_service_that_refuses_not_loses_nothing(names: list[str], at_once: int) -> None:
    """
    If the service does not accept the filter for the rest of the names, the whole collection is read in the end.
    """
    service = Names(names, refuses="not ")

    found = read(service, ranged(at_once, top=PAGE)).items

    assert ids(service.items) == ids(found)


def as_seeded(count: int) -> list[str]:
    """Return the names of the users of the embedded tenant."""
    return [str(user["userPrincipalName"]) for user in bulk_objects.users("tenant", "contoso.com", count)]


def numbered(count: int, beginning: str = "user") -> list[str]:
    """Return names with a common beginning and a number."""
    return [f"{beginning}{number:06}@contoso.com" for number in range(1, count + 1)]


def russian(count: int) -> list[str]:
    """Return names that begin with three Russian letters."""
    letters = random.Random(1)
    return [f"{''.join(letters.choices(RUSSIAN, k=3))}{number}@contoso.com" for number in range(count)]


@pytest.mark.parametrize(
    ("names", "planning", "rounds"),
    [
        (as_seeded(100_000), 1, 15),
        (numbered(100_000), 2, 17),
        (numbered(100_000, "用户"), 2, 17),
        ([*numbered(90_000), *as_seeded(10_000)], 2, 15),
        (russian(100_000), 2, 16),
    ],
    ids=["seeded", "one beginning", "one beginning outside ASCII", "nine of ten with one beginning", "Russian"],
)
@pytest.mark.parametrize("order", ["as made", "shuffled"])
def test_all_workers_are_busy(names: list[str], planning: int, rounds: int, order: str) -> None:
    """
    With 8 workers, 101 pages need 13 rounds of requests, and at most two before the first page. Cuts and pages that
    are not full cost at most two more, with any names, and no worker is idle before the last three rounds.
    """
    if order == "shuffled":
        names = random.Random(2).sample(names, len(names))
    service = Names(names)

    reading = read(service, ranged(8, top=999))

    assert ids(service.items) == ids(reading.items)
    assert planning == reading.first_page
    assert reading.rounds <= rounds
    assert {0} == set(reading.idle[planning + 1 : -3])


def test_groups_are_read_by_their_nicknames() -> None:
    """
    Groups are divided by their nicknames, whatever their display names are.
    """
    service = Names([f"team-{number}" for number in range(2_000)], key="mailNickname")

    reading = read(service, ranged(8, path="/groups", top=20))

    assert ids(service.items) == ids(reading.items)
    assert reading.rounds <= 2_000 / 20 / 8 + 5


def test_names_outside_the_sample_are_read_in_ranges_too() -> None:
    """
    A few names with letters outside ASCII, which the sample does not contain, are read as one more range.
    """
    service = Names([*as_seeded(5_000), "ångström@contoso.com", "Öberg@contoso.com"])

    reading = read(service, ranged(8, top=50))

    assert ids(service.items) == ids(reading.items)
    assert "" not in service.listed[1:]


def test_one_listing_holds_what_fills_whole_pages() -> None:
    """
    Ranges are packed to whole pages: less than a tenth of the pages is only there because ranges end within a page.
    """
    service = Names([f"{random.Random(number).getrandbits(64):016x}" for number in range(20_000)])

    read(service, ranged(8, top=200))

    assert 20_000 / 200 <= len(service.listed) - 1 <= 1.1 * 20_000 / 200


def test_ids_are_asked_for_and_left_out_again() -> None:
    """
    If the query selects properties without the id, the id is requested, too, and is not in the result.
    """
    service = Names([f"{letter}{number}" for letter in "abcdef" for number in range(9)])

    found = read(service, ranged(4, top=PAGE, select=["userPrincipalName"])).items

    assert 54 == len(found)
    assert {"userPrincipalName"} == {name for one in found for name in one}


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
    names = [f"{'abcdef'[number % 6]}{number:03}" for number in range(count)]

    found: list[object] = list(read(Names(names), ranged(4, kind, top=PAGE)).items)

    assert sorted(names) == sorted(
        one.name if isinstance(one, Named) else one["userPrincipalName"]  # type: ignore[index] # the other
        for one in found
    )


def test_an_object_of_another_type_is_told() -> None:
    """
    An object of another type is an error of the tree, not of the decoder.
    """

    class Wrong(msgspec.Struct):
        name: int = msgspec.field(name="userPrincipalName")

    with pytest.raises(UnexpectedAnswerError, match="not of the requested type"):
        read(Names(["ada"]), ranged(4, Wrong, top=PAGE))


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
    service = Names([f"{letter}{number}" for letter in string.ascii_lowercase for number in range(9)])

    found = read(service, ranged(2, top=PAGE, filter=given)).items

    assert ids(service.items) == ids(found)
    ranges = [one for one in service.listed if "startsWith(userPrincipalName" in one]
    assert ranges
    assert max(one.count("startsWith(userPrincipalName") for one in ranges) <= 15 - terms


def test_a_count_that_is_no_number_is_as_none() -> None:
    """
    If a count can't be read, the collection is read as a whole.
    """

    def answer(request: Request) -> Response:
        asked = json.loads(request.body or b"")["requests"]
        return reply(request, 200, {"responses": [{"id": one["id"], "status": 200, "body": {"x": 1}} for one in asked]})

    cut = ranged(4)
    queue = Queue(cut.jobs())

    while (work := queue.take()) is not None:
        assert queue.finished(work, to_end(work.operation, answer)) is None

    assert cut.expected < 0
    assert not to_end(cut.is_complete(), answer)
