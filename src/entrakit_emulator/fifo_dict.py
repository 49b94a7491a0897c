"""A mapping that forgets its oldest entries, so that a loop of requests can't fill the memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FifoDict(OrderedDict[K, V], Generic[K, V]):
    """A dict of at most `limit` entries; one more, and the oldest is dropped.

    Args:
        limit: How many entries are kept.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self.limit:
            self.popitem(last=False)
