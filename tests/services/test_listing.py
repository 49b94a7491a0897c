"""Listings: the state between two pages, and the checks on the links that the service gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.services.fake_service import reply, run

from entrakit.errors import GraphError, ParameterError, UnexpectedAnswerError
from entrakit.services.decoding import Raw
from entrakit.services.listing import Listing, Page, listing
from entrakit.services.operation import Request, Response
from entrakit.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)
ARM = Service("azure", "https://management.azure.com", "https://management.azure.com")
USERS = f"{GRAPH.url}/users"
Pages = dict[str, dict[str, object]]


class User(msgspec.Struct):
    """A user."""

    id: str


def page(*ids: str, to: str = "", more: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the body of a page with objects of these ids and a next link."""
    return {"value": [{"id": one} for one in ids], **({"@odata.nextLink": to} if to else {}), **(more or {})}


def service_of(pages: Pages, asked: list[Request] | None = None) -> Callable[[Request], Response]:
    """Return a service that has one page for each address, and notes the requests in a list."""

    def service(request: Request) -> Response:
        if asked is not None:
            asked.append(request)
        return reply(request, 200, pages[request.url])

    return service


def users(service: Service = GRAPH) -> Listing[dict[str, object]]:
    """Return a listing of users that has not begun."""
    return listing(service, "/users", None, None, {})


def ids_of(one: Listing[dict[str, object]], pages: Pages) -> list[list[object]]:
    """Read a listing to its end, and return the ids of each page."""
    found = []
    while not one.is_finished:
        found.append([item["id"] for item in run(one.advance(), service_of(pages)).items])
    return found


def test_pages_follow_the_next_links() -> None:
    """
    A listing sends the first headers again with each next link, and is finished after the page without one.
    """
    asked: list[Request] = []
    service = service_of({USERS: page("a", to=f"{USERS}?$skiptoken=2"), f"{USERS}?$skiptoken=2": page("b")}, asked)
    one: Listing[dict[str, object]] = listing(GRAPH, "/users", None, {"X-Own": "1"}, {})

    first = run(one.advance(), service)
    assert (f"{USERS}?$skiptoken=2", False) == (one.position, one.is_finished)
    second = run(one.advance(), service)

    assert [[{"id": "a"}], [{"id": "b"}]] == [first.items, second.items]
    assert ("", True) == (one.position, one.is_finished)
    assert ["1", "1"] == [request.headers["x-own"] for request in asked]
    assert 2 == len({request.client_request_id for request in asked})
    assert Page([]) == run(one.advance(), service)
    assert 2 == len(asked)


def test_a_page_has_total_links_and_size() -> None:
    """
    A page contains the total, the delta link and the size of its response; Azure's `nextLink` is a next link too.
    """
    body = page("a", more={"@odata.count": 7, "@odata.deltaLink": f"{USERS}?$deltatoken=1"})
    found = run(users().advance(), service_of({USERS: body}))
    azure = f"{ARM.url}/users"
    other = run(users(ARM).advance(), service_of({azure: page("a", more={"nextLink": f"{azure}?page=2"})}))

    assert (7, f"{USERS}?$deltatoken=1", "") == (found.total, found.delta_link, found.next_link)
    assert found.size > len('{"value":[{"id":"a"}]}')
    assert f"{azure}?page=2" == other.next_link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users",
        "http://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com:444/",
        "x",
    ],
)
def test_a_link_to_another_host_is_an_error_after_the_page(link: str) -> None:
    """
    The page with a link to another origin is returned, and the next step is an error that sends nothing.
    """
    asked: list[Request] = []
    service = service_of({USERS: page("a", to=link)}, asked)
    one = users()

    assert [{"id": "a"}] == run(one.advance(), service).items
    assert (None, False) == (one.position, one.is_finished)
    for _ in range(2):
        with pytest.raises(UnexpectedAnswerError, match="so it was not followed") as caught:
            run(one.advance(), service)
        assert not caught.value.retryable
    assert 1 == len(asked)


def test_the_reason_for_a_malformed_link_is_true() -> None:
    """
    A next link with a space leads to the service's own host, so the error says what is wrong with the address.
    """
    one = users()
    run(one.advance(), service_of({USERS: page("a", to=f"{USERS}?$filter=os eq 'iOS'")}))

    with pytest.raises(UnexpectedAnswerError, match=r"graph\.microsoft\.com contains a space"):
        run(one.advance(), service_of({}))


@pytest.mark.parametrize("back", [USERS, f"{USERS}?$skiptoken=2"])
def test_links_in_a_circle_are_an_error(back: str) -> None:
    """
    A next link that was followed before ends the listing with an error.
    """
    pages = {USERS: page("a", to=f"{USERS}?$skiptoken=2"), f"{USERS}?$skiptoken=2": page("b", to=back)}
    one = users()
    found = [run(one.advance(), service_of(pages)).items for _ in range(2)]

    assert [[{"id": "a"}], [{"id": "b"}]] == found
    with pytest.raises(UnexpectedAnswerError, match="circle"):
        run(one.advance(), service_of(pages))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (["b", "a"], []),
        (["b", "c"], ["c"]),
        (["c", "d"], ["c", "d"]),
    ],
)
def test_objects_of_earlier_pages_are_left_out(second: list[str], expected: list[str]) -> None:
    """
    Microsoft Graph has each object of a collection once: a repeated page is empty, and a repeated object is left out.
    """
    pages = {USERS: page("a", "b", to=f"{USERS}?2"), f"{USERS}?2": page(*second)}

    assert [["a", "b"], expected] == ids_of(users(), pages)


def test_other_services_may_repeat_objects() -> None:
    """
    Only Microsoft Graph has unique ids: objects of other services, and of delta queries, are all returned.
    """
    azure = f"{ARM.url}/users"
    delta = Listing(GRAPH, Request("GET", USERS), dict[str, object], may_repeat=True)

    assert [["a"], ["a"]] == ids_of(users(ARM), {azure: page("a", to=f"{azure}?2"), f"{azure}?2": page("a")})
    assert [["a"], ["a"]] == ids_of(delta, {USERS: page("a", to=f"{USERS}?2"), f"{USERS}?2": page("a")})


@pytest.mark.parametrize("type_", [User, Raw])
def test_repeated_objects_of_any_type_are_left_out(type_: type) -> None:
    """
    Repeated objects are recognized in structs and in raw JSON too.
    """
    one: Listing[object] = listing(GRAPH, "/users", type_, None, {})
    pages = {USERS: page("a", "b", to=f"{USERS}?2"), f"{USERS}?2": page("b", "c")}

    counts = [len(run(one.advance(), service_of(pages)).items) for _ in range(2)]

    assert [2, 1] == counts


@pytest.mark.parametrize("items", [[{"n": 1}], [{"id": None}], [{"id": {"a": 1}}], ["text"], []])
def test_objects_without_a_usable_id_are_all_returned(items: list[object]) -> None:
    """
    Objects whose id is missing or not a string are not compared, and none is lost.
    """
    body: dict[str, object] = {"value": items}
    one: Listing[object] = listing(GRAPH, "/users", object, None, {})
    pages = {USERS: body | {"@odata.nextLink": f"{USERS}?2"}, f"{USERS}?2": body}

    assert [items, items] == [run(one.advance(), service_of(pages)).items for _ in range(2)]


@pytest.mark.parametrize("body", [{"id": "a"}, [1, 2], 42])
def test_a_single_object_is_not_a_collection(body: object) -> None:
    """
    A first response without `value` is an error of the call; a later one is an error of the service.
    """
    with pytest.raises(GraphError, match=r"/v1\.0/users is not a collection") as caught:
        run(users().advance(), lambda request: reply(request, 200, body))
    assert not isinstance(caught.value, UnexpectedAnswerError)

    one = users()
    run(one.advance(), service_of({USERS: page("a", to=f"{USERS}?2")}))
    with pytest.raises(UnexpectedAnswerError, match="is not a collection"):
        run(one.advance(), lambda request: reply(request, 200, body))


def test_a_listing_continues_at_a_saved_position() -> None:
    """
    A position of an earlier run is where a new listing continues, if the address is the service's own.
    """
    one = users()
    one.continue_at(f"{USERS}?2")

    assert [["b"]] == ids_of(one, {f"{USERS}?2": page("b")})
    with pytest.raises(UnexpectedAnswerError, match=r"evil\.example"):
        users().continue_at("https://evil.example/users")


def test_a_listing_like_another_begins_at_its_own_address() -> None:
    """
    `like` keeps the headers and the type, and refuses an address of another host.
    """
    first: Listing[User] = listing(GRAPH, "/users", User, {"X-Own": "1"}, {})
    asked: list[Request] = []
    other = first.like(f"{USERS}?range")

    assert [User("a")] == run(other.advance(), service_of({f"{USERS}?range": page("a")}, asked)).items
    assert "1" == asked[0].headers["x-own"]
    assert USERS == first.position
    with pytest.raises(UnexpectedAnswerError):
        first.like("https://evil.example/users")


def test_a_bad_query_is_an_error_before_the_first_page() -> None:
    """
    An invalid query is a ParameterError when the listing is made.
    """
    with pytest.raises(ParameterError):
        listing(GRAPH, "/users", None, None, {"top": 0})
