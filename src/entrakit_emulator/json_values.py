"""Comparison of JSON values with Python types, and calls with JSON values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints


def fits(value: object, hint: object) -> bool:
    """Return whether a JSON value has a type.

    Args:
        value: The value.
        hint: The type: a plain one, a union, a mapping with string keys, or a sequence of one type.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Mapping:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in value.values())
    if origin is Sequence:
        return isinstance(value, list) and all(fits(one, inner[0]) for one in value)
    if hint is None or hint is NoneType:
        return value is None
    if hint is object:
        return True
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def call(method: Callable[..., object], arguments: Mapping[str, object], what: str) -> object:
    """Call a method with named JSON values, and return its result.

    Args:
        method: The method.
        arguments: Its arguments by name.
        what: The call in error messages.

    Raises:
        ValueError: An argument is missing, unknown or of another type.
    """
    try:
        inspect.signature(method).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{what}: {error}.") from error
    hints = get_type_hints(method)
    for argument, value in arguments.items():
        if not fits(value, hints[argument]):
            raise ValueError(f"{what}: {argument!r} does not accept {value!r}.")
    return method(**arguments)
