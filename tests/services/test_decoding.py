"""JSON into types, and back."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from entrakit.services import decoding
from entrakit.services.decoding import Entity


class User(msgspec.Struct):
    """A user with a field of another name."""

    id: str
    display_name: str | None = msgspec.field(name="displayName", default=None)


class Whole(Entity):
    """A user that keeps what it does not know."""

    id: str
    display_name: str | None = msgspec.field(name="displayName", default=None)


def test_a_page_of_entities_keeps_it_too() -> None:
    """
    Items of a page are decoded like single objects: an `Entity` keeps unknown members.
    """
    page = decoding.read_page(b'{"value":[{"id":"x","more":1}],"@odata.count":1,"@odata.nextLink":"https://n"}', Whole)

    assert [Whole(id="x", additional={"more": 1})] == page.value
    assert (1, "https://n") == (page.count, page.next_link)


@pytest.mark.parametrize("type_", [dict[str, object], User, Whole, decoding.Raw])
def test_half_a_character_does_not_cost_the_page(type_: type) -> None:
    """
    Half a surrogate pair in a name, which the directory can contain, becomes U+FFFD, and the page is still read.
    """
    broken, whole = rb'{"id":"x","displayName":"a\ud83d"}', rb'{"id":"y","displayName":"\ud83d\ude00"}'
    page: decoding.Body[object] = decoding.read_page(b'{"value":[' + broken + b"," + whole + b"]}", type_)

    assert isinstance(page.value, list)
    assert 2 == len(page.value)
    texts = "".join(bytes(one).decode() if isinstance(one, decoding.Raw) else repr(one) for one in page.value)
    assert "a\ufffd" in texts
    assert "\U0001f600" in texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"5", True), (b"[]", True), (b'"x"', True), (b"null", True), (b"{}", False), (b"{", False), (b"", False)],
)
def test_json_that_is_not_an_object_is_recognized(text: bytes, expected: bool) -> None:
    """
    A number, a list or a string is JSON that is not an object; text that is not JSON is neither.
    """
    assert expected is decoding.is_not_object(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b'{"n":1,"id":"x"}', "x"), (b'{"id":5}', None), (b'{"id":null}', None), (b"{}", None), (b"[1]", None)],
)
def test_an_id_is_read_from_raw_json(text: bytes, expected: str | None) -> None:
    """
    The id of raw JSON is its string; anything else has none.
    """
    assert expected == decoding.id_of(decoding.Raw(text))


def test_an_id_is_removed_from_raw_json() -> None:
    """
    Removing the id leaves the other members as they are, in their order.
    """
    assert b'{"b":[1.50],"a":{"id":"y"}}' == bytes(
        decoding.without_id(decoding.Raw(b'{"b":[1.50],"id":"x","a":{"id":"y"}}'))
    )
    with pytest.raises(decoding.ERRORS):
        decoding.without_id(decoding.Raw(b"[1]"))


class Renamed(msgspec.Struct):
    """A user whose field for the id has another name."""

    key: str = msgspec.field(name="id")


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (object, True), (Any, True), (dict, True), (dict[str, object], True), (decoding.Raw, True), (User, True),
        (Whole, True), (Renamed, False), (list[int], False), (str, False),
    ],
)  # fmt: skip
def test_types_that_keep_the_id_are_known(type_: object, expected: bool) -> None:
    """
    A dict, raw JSON and a type with a field `id` keep the id; a field of another name does not.
    """
    assert expected is decoding.keeps_id(type_)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_item_that_stays_json_is_one_line(end: str) -> None:
    """
    Line breaks between the parts of an item are removed, even if the service writes it on several lines.
    """
    text = '{\n"value": [\n{\n  "a": [1,\n 2]\n}, {"b": "x\\ny"}\n]\n}\n'.replace("\n", end)

    page = decoding.read_page(text.encode(), decoding.Raw)

    assert isinstance(page.value, list)
    assert [b'{"a":[1,2]}', b'{"b":"x\\ny"}'] == [bytes(item) for item in page.value]


def test_json_is_laid_out_in_one_line_or_several() -> None:
    """
    Layout changes the space between values only, not the values.
    """
    text = b'{ "b": 1.50,\n "a": [1, "x y"] }'

    assert b'{"b":1.50,"a":[1,"x y"]}' == decoding.compact(decoding.Raw(text))
    assert b'{\n  "b": 1.50,\n  "a": [\n    1,\n    "x y"\n  ]\n}' == decoding.indented(text)
    with pytest.raises(decoding.ERRORS):
        decoding.indented(b"{")


def test_values_are_encoded_with_their_json_names() -> None:
    """
    Structs, dates and lists become JSON with the names of the wire; an object that can't be JSON is a TypeError.
    """
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

    assert b'[{"id":"x","displayName":"Ada"},"2026-01-02T03:04:05Z"]' == decoding.encode([User("x", "Ada"), moment])
    with pytest.raises(TypeError):
        decoding.encode(object())
