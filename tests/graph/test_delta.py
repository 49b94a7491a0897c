"""Delta queries: no interruption loses a change, and each position belongs to one query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graph.conftest import PAGE, USERS, Fault
from tests.services.fake_service import reply, run

from entrakit.errors import (
    GraphError,
    ParameterError,
    ResyncRequiredError,
    UnexpectedAnswerError,
)
from entrakit.graph.delta import Delta, merged
from entrakit.graph.delta_session import DeltaSession
from entrakit.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.graph.conftest import GraphServer

    from entrakit.graph.client import Client
    from entrakit.services.operation import Request, Response

    JSON = dict[str, object]

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)


def delta(pages: list[object], **options: object) -> tuple[Delta, list[JSON], list[str]]:
    """Run a delta query against pages, and return its state, its objects and its requests."""
    asked: list[str] = []
    rest = list(pages)

    def answer(request: Request) -> Response:
        asked.append(request.url)
        page = rest.pop(0)
        if isinstance(page, tuple):
            return reply(request, page[0], {"error": {"code": page[1], "message": "x"}}, **page[2])
        return reply(request, 200, page)

    state = Delta(GRAPH, "/groups/delta", tenant="t", headers=None, query={}, **options)  # type: ignore[arg-type]
    came: list[JSON] = []
    while not state.is_finished:
        came += run(state.advance(), answer)
        state.checkpoint()
    return state, came, asked


def page(*items: Mapping[str, object], following: str = "", end: str = "") -> JSON:
    """Return a page with its link."""
    links = {"@odata.nextLink": following} if following else {"@odata.deltaLink": end}
    return {"value": list(items), **links}


def link(text: str) -> str:
    """Return an address of the service."""
    return f"{GRAPH.url}/groups/delta?{text}"


def test_relations_are_merged_over_pages() -> None:
    """
    A group with members on several pages is returned once, with all members, each in its last state.
    """
    first = {"id": "g", "displayName": "G", "members@delta": [{"id": "a"}, {"id": "b"}]}
    second = {"id": "g", "members@delta": [{"id": "a", "@removed": {"reason": "deleted"}}, {"id": "c"}]}

    _, came, _ = delta(
        [page(first, {"id": "h"}, following=link("$skiptoken=1")), page(second, end=link("$deltatoken=1"))]
    )

    members = [{"id": "a", "@removed": {"reason": "deleted"}}, {"id": "b"}, {"id": "c"}]
    assert [{"id": "h"}, {"id": "g", "displayName": "G", "members@delta": members}] == came


def test_nothing_is_checkpointed_while_something_is_held_back(tmp_path: Path) -> None:
    """
    While parts of an object are held, no checkpoint is saved, so an interrupted run reads them again.
    """
    session = DeltaSession(tmp_path / "groups.delta")
    part = {"id": "g", "members@delta": [{"id": "a"}]}

    with pytest.raises(IndexError):
        delta(
            [page({"id": "x"}, following=link("$skiptoken=1")), page(part, following=link("$skiptoken=2"))],
            session=session,
        )
    _, came, asked = delta([page(part, end=link("$deltatoken=1"))], session=session)

    assert [link("$skiptoken=1")] == asked
    assert [part] == came


def test_a_resync_begins_where_the_service_says(tmp_path: Path) -> None:
    """
    410 starts a resync at the address in `Location`, and is reported.
    """
    session = DeltaSession(tmp_path / "groups.delta")
    delta([page({"id": "a"}, end=link("$deltatoken=old"))], session=session)
    gone = (410, "syncStateNotFound", {"location": link("$deltatoken=")})

    state, came, asked = delta([gone, page({"id": "b"}, end=link("$deltatoken=new"))], session=session)

    assert [link("$deltatoken=old"), link("$deltatoken=")] == asked
    assert [{"id": "b"}] == came
    assert state.is_resync


@pytest.mark.parametrize("location", ["", "https://evil.example/v1.0/groups/delta", "http://graph.microsoft.com/"])
def test_a_resync_goes_to_no_other_host(tmp_path: Path, location: str) -> None:
    """
    If `Location` is missing or leads to another host, the resync starts with the original query.
    """
    session = DeltaSession(tmp_path / "groups.delta")
    delta([page({"id": "a"}, end=link("$deltatoken=old"))], session=session)

    _, _, asked = delta(
        [(410, "resyncRequired", {"location": location}), page(end=link("$deltatoken=new"))], session=session
    )

    assert [link("$deltatoken=old"), f"{GRAPH.url}/groups/delta"] == asked


@pytest.mark.parametrize("code", ["SyncStateInvalid", "Directory_ExpiredPageToken"])
def test_a_position_that_400_calls_too_old_starts_a_resync(tmp_path: Path, code: str) -> None:
    """
    Some workloads refuse a forgotten position with 400 and a code that says so. This is the same as 410.
    """
    session = DeltaSession(tmp_path / "session")
    delta([page({"id": "1"}, end=link("$deltatoken=old"))], session=session)

    state, came, asked = delta([(400, code, {}), page({"id": "1"}, end=link("$deltatoken=new"))], session=session)

    assert state.is_resync
    assert [{"id": "1"}] == came
    assert [link("$deltatoken=old"), f"{GRAPH.url}/groups/delta"] == asked


def test_another_refusal_of_a_saved_position_says_how_to_start_again(tmp_path: Path) -> None:
    """
    A code that is not known may mean a forgotten position, too: the remedy names the file of the session.
    """
    session = DeltaSession(tmp_path / "session")
    delta([page({"id": "1"}, end=link("$deltatoken=old"))], session=session)

    with pytest.raises(GraphError) as caught:
        delta([(400, "BadRequest", {})], session=session)

    assert (
        "If the service has forgotten the position of the last run, start again: name another file for the session, or "
        f"remove {session.path}."
    ) == caught.value.remedy


def test_resyncs_end() -> None:
    """
    If the service requires a resync again and again, the query ends with an error.
    """
    with pytest.raises(ResyncRequiredError):
        delta([(410, "resyncRequired", {})] * 9)


def test_a_round_without_an_end_is_an_error() -> None:
    """
    A last page without a delta link would lose the position: it is an error, and no checkpoint is saved.
    """
    with pytest.raises(UnexpectedAnswerError):
        delta([page({"id": "a"})])


def test_the_session_goes_on_from_the_delta_link(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    The second query returns only the changes since the first one.
    """
    session = DeltaSession(tmp_path / "users.delta")
    first = list(graph.delta("/users/delta", session=session))
    server.deltas.append({"id": "new"})

    second = list(graph.delta("/users/delta", session=DeltaSession(tmp_path / "users.delta")))

    assert (USERS, []) == (len(first), second)
    assert f"$deltatoken=done{USERS}" in server.paths("delta")[-1]


def test_a_page_is_checkpointed_when_it_was_consumed(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    If the caller stops in the middle of a page, the next run returns that page again, but none before it.
    """
    session = DeltaSession(tmp_path / "users.delta")
    for number, _ in enumerate(graph.delta("/users/delta", session=session)):
        if number == 120:
            break

    again = [str(one["id"]) for one in graph.delta("/users/delta", session=session)]

    assert [user["id"] for user in server.users[100:]] == again


def test_latest_brings_nothing_of_what_is_there(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    With `latest` a session skips the existing objects.
    """
    server.faults = []

    list(graph.delta("/users/delta", session=DeltaSession(tmp_path / "users.delta"), latest=True))

    assert ["/v1.0/users/delta?$deltatoken=latest"] == server.paths("delta")


def test_minimal_is_asked_for_in_a_header(graph: Client, server: GraphServer) -> None:
    """
    With `minimal` only changed properties are requested, in addition to other preferences.
    """
    list(graph.delta("/users/delta", minimal=True, headers={"Prefer": "odata.maxpagesize=50"}))

    assert {"odata.maxpagesize=50, return=minimal"} == {headers["prefer"] for _, _, headers in server.asked}


def test_each_query_has_its_own_place(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    Another selection or another tenant does not continue from the same link.
    """
    session = DeltaSession(tmp_path / "users.delta")
    list(graph.delta("/users/delta", session=session))

    assert USERS == len(list(graph.delta("/users/delta", session=session, select=["id"])))
    assert USERS == len(list(graph.delta("/users/delta", session=session, minimal=True)))
    assert [] == list(graph.delta("/users/delta", session=session))


def test_an_error_keeps_the_place(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    An error loses nothing: the next run continues after the last page that was processed.
    """
    session = DeltaSession(tmp_path / "users.delta")
    server.faults = [Fault("delta", "400", skip=2)]
    seen: list[str] = []

    with pytest.raises(GraphError):
        seen.extend(str(one["id"]) for one in graph.delta("/users/delta", session=session))
    for one in graph.delta("/users/delta", session=session):
        seen.append(str(one["id"]))  # noqa: PERF401 - what came before an error counts, too

    assert {user["id"] for user in server.users[100:]} <= set(seen)


@pytest.mark.parametrize(
    ("path", "query"), [("/users", {}), ("/users/delta", {"top": 5}), ("/users/delta", {"search": "x"})]
)
def test_what_is_no_delta_query_is_refused(graph: Client, path: str, query: JSON) -> None:
    """
    A path that is not a delta query, and an option that is not allowed, are errors before a request is sent.
    """
    with pytest.raises(ParameterError):
        graph.delta(path, **query)  # type: ignore[arg-type]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=6), min_size=1, max_size=5))
def test_the_last_word_about_a_member_counts(parts: list[list[tuple[str, bool]]]) -> None:
    """
    With any distribution of members over parts, each occurs once, in its last state.
    """
    group: JSON = {}
    last: dict[str, bool] = {}
    for part in parts:
        members: list[JSON] = [{"id": name, **({"@removed": {}} if is_removed else {})} for name, is_removed in part]
        group = merged(group, {"id": "g", "members@delta": members})
        last |= dict(part)

    found = group["members@delta"]
    assert isinstance(found, list)
    assert last == {one["id"]: "@removed" in one for one in found}
    assert len(last) == len(found)


def test_an_object_that_came_back_is_not_removed() -> None:
    """
    An object that was removed and then changed is not removed.
    """
    assert {"id": "a", "x": 1} == merged({"id": "a", "@removed": {"reason": "changed"}}, {"id": "a", "x": 1})


def test_a_new_beginning_that_was_interrupted_is_still_one(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    A run that continues in the middle of a resync reports a resync until all objects are read.
    """
    session = DeltaSession(tmp_path / "users")
    list(graph.delta("/users/delta", session=session))
    server.faults = [Fault("delta", "gone")]
    reader = iter(graph.delta("/users/delta", session=session))
    for _ in range(PAGE + 1):
        next(reader)

    rest = graph.delta("/users/delta", session=session)
    assert rest.is_resync
    assert USERS - PAGE == len(list(rest))
    assert not graph.delta("/users/delta", session=session).is_resync
