"""How the names of a collection are divided into ranges: a tree of beginnings with their counts. No requests.

A part is a beginning with its number of objects. A part that does not fit into the share of a worker is cut at its next
signs. A sample of names tells which ones: names with a long common beginning are cut where they differ, and letters
outside ASCII are found. The numbers below a beginning must add up to its own number. If they do not, the remaining
names are a part of their own.

Each worker gets as many parts as fill its share of pages, and the pages of its range are full: the last page costs as
much as the others.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
DIGITS = "0123456789"
# Signs of names, without a difference of case. Other signs are known from the sample, or are in the rest.
SIGNS = f"{LETTERS}{DIGITS}_-.'!#$%&*+=?^`{{|}}~/@"
LONGEST = 64
# Counts for one cut: what fits into one, or into 7, requests. The second is for a part that keeps other workers waiting.
FEW, MANY = 60, 140
# A sign that so many of the names in the sample have is followed further.
COMMON = 0.9
LEAST_NAMES = 4
# Number of pages per worker from which parts of less than a page are worth a cut.
EARLY = 4


class Part(NamedTuple):
    """Names that begin alike.

    Args:
        beginning: Their beginning.
        size: Number of objects.
        without: Longer beginnings that are not in it.
    """

    beginning: str
    size: int
    without: tuple[str, ...] = ()


class Range(NamedTuple):
    """Parts that are read as one listing.

    Args:
        parts: The parts.
        pages: Number of pages.
    """

    parts: tuple[Part, ...]
    pages: int


class Beginnings:
    """The names of a collection, divided into parts.

    Args:
        page: Number of objects on a page.
        workers: Number of workers that read at the same time.
        terms: Maximum number of beginnings in a range.
    """

    def __init__(self, page: int, workers: int, terms: int) -> None:
        self._page = page
        self._workers = workers
        self._terms = terms
        self._parts: list[Part] = []
        self._cutting: list[Part] = []
        self._names: list[str] = []
        # The counted longer beginnings of each beginning, with their numbers.
        self._counts: dict[str, dict[str, int]] = {}
        self._final: set[Part] = set()

    @property
    def is_cutting(self) -> bool:
        """Whether a part is being cut."""
        return bool(self._cutting)

    def observe(self, names: Iterable[str]) -> None:
        """Note names of the collection."""
        self._names += (name.lower() for name in names)

    def begin(self, total: int, sizes: Mapping[str, int]) -> None:
        """Note the number of all objects, and the numbers for each sign.

        A sign without objects is read, too, if that costs no page: the index for counting lags behind the directory.
        """
        self._parts = self._divided(Part("", total), {"": list(sizes)}, sizes)
        self._parts += [Part(sign, 0) for sign, size in sizes.items() if not size]

    def cut(self, loads: Sequence[int]) -> tuple[Part, dict[str, list[str]]] | None:
        """Return a part to cut now, and the beginnings to count, each below a shorter one; None if none must be cut.

        Args:
            loads: Number of pages that each worker still has to read.
        """
        if 2 * len(self._cutting) >= self._workers:
            return None
        level, _, left = self._packed(loads)
        least = self._page / 2 if level >= EARLY else 2 * self._page
        for part in left:
            if part.size <= least:
                break
            if part in self._final:
                continue
            found = self._candidates(part, MANY if part.size > level * self._page else FEW)
            if found:
                self._parts.remove(part)
                self._cutting.append(part)
                return part, found
            self._final.add(part)
        return None

    def has_names(self, part: Part) -> bool:
        """Return whether the sample has names of a part."""
        return bool(self._names_of(part))

    def divide(self, part: Part, candidates: Mapping[str, list[str]], sizes: Mapping[str, int] | None) -> None:
        """Replace a part by those that were counted; sizes are None if they can't be counted."""
        self._cutting.remove(part)
        if sizes is None:
            self._final.add(part)
            self._parts.append(part)
            return
        self._parts += self._divided(part, candidates, sizes)

    def take(self, loads: Sequence[int]) -> Range | None:
        """Return the range for a free worker; None if it has to wait for a cut, or if there is nothing left.

        Args:
            loads: Number of pages that each of the other workers still has to read.
        """
        if not self._parts:
            return None
        level, bins, left = self._packed(loads)
        # A part that can't be cut is begun first if it is large.
        alone = [one for one in left if one.without or one in self._final or not self._cutting]
        is_large = bool(alone) and alone[0].size > self._page
        found = bins[0] if bins and bins[0] and not is_large else tuple(alone[:1])
        size = sum(one.size for one in found)
        if not found or (self._cutting and size < level * self._page / 2):
            return None
        for one in found:
            self._parts.remove(one)
        return Range(found, max(1, ceil(size / self._page)))

    def unread(self) -> list[Range]:
        """Return ranges of everything that no worker has taken."""
        _, bins, left = self._packed(())
        groups = [*filter(None, bins), *((one,) for one in (*left, *self._cutting))]
        return [Range(group, 0) for group in groups]

    def _packed(self, loads: Sequence[int]) -> tuple[int, list[tuple[Part, ...]], list[Part]]:
        """Return the pages that each worker has if all have the same, the ranges of the workers, and the larger parts.

        The first ranges are those of the free workers. Parts are placed from the largest to the smallest, each in the
        first range that has room for it, so the first range is the fullest.
        """
        pages = sum(one.size for one in (*self._parts, *self._cutting)) / self._page
        levels = [0] * (self._workers - len(loads)) + sorted(loads)
        level = level_of(pages, levels)
        room = [(level - load) * self._page for load in levels]
        bins: list[list[Part]] = [[] for _ in room]
        left = []
        for part in sorted(self._parts, key=lambda one: one.size, reverse=True):
            places = [number for number, space in enumerate(room) if part.size <= space and not part.without]
            place = next((number for number in places if len(bins[number]) < self._terms), None)
            if place is not None:
                bins[place].append(part)
                room[place] -= part.size
            elif not places:
                left.append(part)
        return level, [tuple(one) for one in bins], left

    def _divided(self, part: Part, below: Mapping[str, list[str]], sizes: Mapping[str, int]) -> list[Part]:
        """Return the parts of a part after a count."""
        counts = self._counts.setdefault(part.beginning, {})
        counts.update({one: sizes[one] for one in below.get(part.beginning, ())})
        if not counts or (part.beginning and part.size <= self._page // 8):
            return [part]
        parts: list[Part] = []
        for one in below.get(part.beginning, ()):
            if sizes[one]:
                parts += self._divided(Part(one, sizes[one]), below, sizes)
        rest = part.size - sum(sizes[one] for one in below.get(part.beginning, ()))
        known = tuple(one for one, size in counts.items() if size)
        if rest and not known:
            return [part]
        return [*parts, Part(part.beginning, max(rest, 0), known)] if rest else parts

    def _candidates(self, part: Part, most: int) -> dict[str, list[str]]:
        """Return longer beginnings to count, each below the one that it continues; none if all were counted."""
        found: dict[str, list[str]] = {}
        known = self._counts.get(part.beginning, {})
        names = self._names_of(part)
        waiting = [(part.beginning, names)] if len(part.beginning) < LONGEST else []
        count = 0
        for beginning, some in waiting:
            place = len(beginning)
            signs = self._signs(place, some, is_known=bool(known) and beginning == part.beginning)
            longer = [beginning + sign for sign in signs if beginning + sign not in known]
            if not longer or (found and count + len(longer) > most):
                continue
            found[beginning] = longer
            count += len(longer)
            for one in longer:
                following = [name for name in some if name.startswith(one)]
                # A part that is small by the sample need not be divided further.
                is_large = part.size * len(following) > len(names) * self._page / 2
                if is_large and len(following) >= LEAST_NAMES and len(one) < LONGEST:
                    waiting.append((one, following))
        return found

    def _signs(self, place: int, names: Sequence[str], *, is_known: bool) -> list[str]:
        """Return the signs to count at a place of names: those of the sample, and others of their kind."""
        seen = Counter(name[place] for name in names if len(name) > place)
        if is_known or not seen:
            elsewhere = [] if is_known else [name[place] for name in self._names if len(name) > place]
            return _with_their_kind(elsewhere or [*seen, *SIGNS])
        sign, times = seen.most_common(1)[0]
        if times >= COMMON * len(names) and sign not in DIGITS:
            return list(seen)
        return _with_their_kind(seen)

    def _names_of(self, part: Part) -> list[str]:
        return [
            name
            for name in self._names
            if name.startswith(part.beginning) and not name.startswith(part.without or "\n")
        ]


def level_of(pages: float, loads: Sequence[int]) -> int:
    """Return the number of pages that no worker exceeds if some pages are divided among those with the least to do.

    Args:
        pages: Number of pages to divide.
        loads: Number of pages that each worker already has, in ascending order.
    """
    for busy in range(len(loads), 0, -1):
        level = ceil((pages + sum(loads[:busy])) / busy)
        if loads[busy - 1] <= level:
            return max(1, level)
    return 1


def _with_their_kind(signs: Iterable[str]) -> list[str]:
    """Return signs, with all digits if one is a digit, and all letters if one is a letter."""
    found = list(dict.fromkeys(signs))
    for kind in (DIGITS, LETTERS):
        if any(sign in kind for sign in found):
            found += [sign for sign in kind if sign not in found]
    return found
