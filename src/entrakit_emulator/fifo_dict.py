"""A dictionary that drops its oldest entries, so that a loop of requests can't fill the memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FifoDict(OrderedDict[K, V], Generic[K, V]):
    """A dictionary of at most `limit` entries; adding more drops the oldest.

    Args:
        limit: Maximum number of entries.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self.limit:
            self.popitem(last=False)
