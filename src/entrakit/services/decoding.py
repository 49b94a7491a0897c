"""JSON into types: the one file that imports msgspec.

msgspec decodes and validates in one step. Members of a JSON object without a field in the type are ignored; an `Entity`
stores them.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import msgspec.inspect
from msgspec import UNSET, Raw, UnsetType

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

# Half of a surrogate pair: JSON can write it, but it is not a character.
_HALF = re.compile("[\ud800-\udfff]")
# Raised for invalid JSON, and for JSON of another type.
ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Entity(msgspec.Struct, kw_only=True):
    """A base class for types that also store the members without a field.

        class User(Entity):
            id: str
            display_name: str | None = msgspec.field(name="displayName", default=None)

    Args:
        additional: Members of the JSON object without a field.
    """

    additional: dict[str, object] = msgspec.field(default_factory=dict, name="#additional")


class Body(msgspec.Struct, Generic[T]):
    """The JSON object of a page of a collection, with the names of the next link in Graph and in Azure."""

    value: list[T] | UnsetType = UNSET
    count: int | None = msgspec.field(name="@odata.count", default=None)
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    azure_next_link: str | None = msgspec.field(name="nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Identified(msgspec.Struct):
    id: str | None = None


def read(body: bytes, type: type[T]) -> T:
    """Decode JSON as a value of a type. Raises one of ERRORS."""
    if _is_entity(type):
        return _entity(_decoded(body, dict[str, object]), type)
    value: T = _decoded(body, type)
    return value


def read_page(body: bytes, type: type[T]) -> Body[T]:
    """Decode a page with items of a type. An item that stays JSON (`Raw`) is one line. Raises one of ERRORS."""
    if not _is_entity(type):
        page: Body[T] = _decoded(body, Body[type])  # type: ignore[valid-type] # known at run time only
        if type is Raw and not isinstance(page.value, UnsetType) and _has_lines(body):
            page.value = [Raw(compact(item)) for item in page.value]  # type: ignore[arg-type, misc] # T is Raw
        return page
    plain: Body[dict[str, object]] = _decoded(body, Body[dict[str, object]])
    items = UNSET if isinstance(plain.value, UnsetType) else [_entity(one, type) for one in plain.value]
    return Body(items, plain.count, plain.next_link, plain.azure_next_link, plain.delta_link)


def _has_lines(body: bytes) -> bool:
    body = body.rstrip()
    return b"\n" in body or b"\r" in body


def is_not_object(body: bytes) -> bool:
    """Return whether a body is JSON but not an object, such as the number of a count."""
    try:
        return not isinstance(_decoded(body, object), dict)
    except ERRORS:
        return False


def id_of(raw: Raw) -> str | None:
    """Return the `id` of an object in JSON; None if it has no id, or one that is not a string."""
    try:
        found: _Identified = _decoder(_Identified).decode(raw)
    except ERRORS:
        return None
    return found.id


def without_id(raw: Raw) -> Raw:
    """Return an object in JSON without its `id`. Raises one of ERRORS."""
    members: dict[str, Raw] = _decoder(dict[str, Raw]).decode(raw)
    return Raw(msgspec.json.encode({name: value for name, value in members.items() if name != "id"}))


def keeps_id(type: object) -> bool:
    """Return whether a value of a type contains the `id` of its object: in a dict, or in a field of that name."""
    if type in (object, Any, dict, Raw):
        return True
    found = msgspec.inspect.type_info(type)
    if isinstance(found, msgspec.inspect.DictType | msgspec.inspect.AnyType | msgspec.inspect.RawType):
        return True
    fields = getattr(found, "fields", ())
    return any(field.encode_name == "id" and field.name == "id" for field in fields)


def compact(raw: Raw) -> bytes:
    """Return JSON without line breaks and spaces between its parts. Raises one of ERRORS."""
    return msgspec.json.format(bytes(raw), indent=-1)


def indented(data: bytes) -> bytes:
    """Return JSON with line breaks and indentation. Raises one of ERRORS."""
    return msgspec.json.format(data, indent=2)


def encode(value: object) -> bytes:
    """Encode a value as JSON: dicts, lists, structs, dates, UUIDs. Fields get their JSON names.

    Raises:
        TypeError: The value has a type that can't be JSON.
    """
    return msgspec.json.encode(value)


def _decoded(body: bytes, type: Any) -> Any:  # noqa: ANN401 - msgspec takes any annotation
    """Decode JSON as a value of a type.

    Half of a surrogate pair, which msgspec refuses, becomes U+FFFD. A byte order mark is ignored (RFC 8259, 8.1).
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return _decoder(type).decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\u" not in body:
            raise
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        if value is None:
            raise
        return _decoder(type).decode(_HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False)))


@lru_cache(64)
def _decoder(type: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - msgspec takes any annotation
    return msgspec.json.Decoder(type)


def _is_entity(type: object) -> bool:
    return isinstance(type, msgspec.StructMeta) and issubclass(type, Entity)


def _entity(members: Mapping[str, object], type: type[T]) -> T:
    known = {field.encode_name for field in msgspec.structs.fields(type)}  # type: ignore[arg-type] # an Entity
    fields = {name: value for name, value in members.items() if name in known}
    rest = {name: value for name, value in members.items() if name not in known}
    return msgspec.convert(fields | {"#additional": rest}, type)


__all__ = [
    "ERRORS",
    "Body",
    "Entity",
    "Raw",
    "UnsetType",
    "compact",
    "encode",
    "id_of",
    "indented",
    "is_not_object",
    "keeps_id",
    "read",
    "read_page",
    "without_id",
]
