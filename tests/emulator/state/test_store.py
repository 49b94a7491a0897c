"""The database of the directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.state.store import Store, searched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator.state.store import DirectoryObject


@pytest.fixture
def store() -> Iterator[Store]:
    """A directory with a user and a group."""
    store = Store(lambda _kind, doc: json.dumps({"id": doc["id"]}))
    store.put("t", "user", {"id": "u", "userPrincipalName": "Ada@contoso.example"}, 1.0)
    store.put("t", "group", {"id": "g"}, 1.0)
    yield store
    store.close()


def only(store: Store, key: str) -> DirectoryObject:
    """Return an object that exists."""
    found = store.find("t", key, ("user", "group"))
    assert found is not None
    return found


def test_a_user_is_found_by_id_and_by_sign_in_name(store: Store) -> None:
    """
    Both keys work in any case, within the tenant only.
    """
    assert "u" == only(store, "U").id == only(store, "ADA@contoso.example").id
    assert store.find("other", "u", ("user",)) is None
    assert store.find("t", "u", ("group",)) is None


def test_a_link_exists_once(store: Store) -> None:
    """
    A second equal link, and removing a link that does not exist, change nothing.
    """
    group = only(store, "g")

    assert [True, False] == [store.link("member", group, "u", 2.0) for _ in range(2)]
    assert (["u"], ["g"]) == (store.targets("member", "g"), store.sources("member", "u"))
    assert [True, False] == [store.unlink("member", group, "u", 2.0) for _ in range(2)]


def test_a_deleted_object_is_found_among_the_deleted_ones_until_it_is_purged(store: Store) -> None:
    """
    Deleting hides an object, restoring shows it again, and purging removes it.
    """
    user = only(store, "u")
    store.delete(user, 2.0, for_good=False)
    hidden, deleted = store.find("t", "u", ("user",)), store.find("t", "u", ("user",), is_deleted=True)
    store.restore(user, 3.0)
    restored = store.find("t", "u", ("user",))
    store.delete(user, 4.0, for_good=True)

    assert hidden is None
    assert (deleted is not None, restored is not None) == (True, True)
    assert store.find("t", "u", ("user",), is_deleted=True) is None


def test_an_unchanged_directory_is_counted_once(store: Store) -> None:
    """
    A count is kept until the next write, as a rendered page is: clients that read in parallel send the same counts.
    """
    statements: list[str] = []
    store.connection.set_trace_callback(statements.append)
    where, users, groups = "kind=? AND deleted IS NULL", ("user",), ("group",)

    first = [store.count(where, values) for values in (users, groups, users, groups)]
    asked = len(statements)
    store.put("t", "user", {"id": "v"}, 2.0)
    second = store.count(where, users)
    store.delete(only(store, "v"), 3.0, for_good=False)
    third = store.count(where, users)

    assert [1, 1, 1, 1] == first
    assert (2, 2, 1) == (asked, second, third)


def test_the_pages_of_two_listings_are_kept(store: Store) -> None:
    """
    100,000 objects by 999 are 101 pages, or some more in ranges: after both were read, both are still rendered.
    """
    listings = [[("whole", page) for page in range(101)], [("ranges", page) for page in range(110)]]
    for pages in listings:
        store.rendered.update(dict.fromkeys(pages, b"{}"))

    assert [one for pages in listings for one in pages] == list(store.rendered)


def test_every_change_gets_a_number(store: Store) -> None:
    """
    The journal of changes grows with each write.
    """
    before = store.sequence
    store.put("t", "user", {"id": "u", "city": "Aarhus"}, 2.0, ["city"])

    assert before + 1 == store.sequence


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [("Ada Larsen", "lar", True), ("Ada Larsen", "ada LAR", True), ("Ada Larsen", "arsen", False), (None, "a", False)],
)
def test_a_search_compares_beginnings_of_words(text: str | None, words: str, *, expected: bool) -> None:
    """
    Each searched word is the beginning of a word of the value, in any case.
    """
    assert expected == searched(text, words)
