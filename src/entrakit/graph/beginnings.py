"""How the names of a collection are divided into ranges: a tree of beginnings with their counts. No requests.

A part is a beginning with its number of objects. A part that does not fit into the share of a worker is cut at its next
signs. A sample of names tells which ones: names with a long common beginning are cut where they differ, and letters
outside ASCII are found. The numbers below a beginning must add up to its own number. If they do not, the remaining
names are a separate part.

Each worker gets as many parts as fill its share of pages, and the pages of its range are full: the last page costs as
much as the others.
"""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heappush
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
DIGITS = "0123456789"
# Signs of names, without a difference of case. Other signs are known from the sample, or are in the rest.
SIGNS = f"{LETTERS}{DIGITS}_-.'!#$%&*+=?^`{{|}}~/@"
LONGEST = 64
# Maximum of counts for one cut: 3 requests, or 7 for a part that keeps workers waiting.
FEW, MANY = 60, 140
# A sign that so many of the names in the sample have is followed further.
COMMON = 0.9
# Number of signs outside ASCII that are counted at one place.
OTHERS = 60
LEAST_NAMES = 4
# Number of pages per worker that makes a cut worth its requests even for parts of less than a page.
EARLY = 4


class Part(NamedTuple):
    """Names that begin alike.

    Args:
        beginning: Their beginning.
        size: Number of objects.
        without: Longer beginnings that are not in it.
        parts: Parts that it consists of; empty if it was not cut.
    """

    beginning: str
    size: int
    without: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


class Cut(NamedTuple):
    """Counts that divide a part.

    Args:
        part: The part.
        below: Beginnings to count, by the shorter beginning that they continue.
        needs_names: Whether names of the part have to be read, too.
    """

    part: Part
    below: dict[str, list[str]]
    needs_names: bool


class Range(NamedTuple):
    """Parts that are read as one listing.

    Args:
        parts: The parts.
        pages: Number of pages.
    """

    parts: tuple[Part, ...]
    pages: int


class _Packed(NamedTuple):
    """Parts in ranges.

    Args:
        level: Number of pages that each worker has to read.
        bins: Parts of the range of each worker, those of free workers first.
        left: Parts that are too large for every range, the largest first.
        expanded: All parts, without those that were replaced by their own parts.
    """

    level: int
    bins: list[tuple[Part, ...]]
    left: list[Part]
    expanded: list[Part]


class Beginnings:
    """The names of a collection, divided into parts.

    Args:
        page: Number of objects on a page.
        workers: Number of workers that read at the same time.
        terms: Maximum number of beginnings in a range.

    Attributes:
        was_cut: Whether a part was cut.
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
        self._uncuttable: set[Part] = set()
        self._sampled: set[Part] = set()
        self.was_cut = False

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
        whole = self._divided(Part("", total), {"": list(sizes)}, sizes)
        self._parts = [*(whole.parts or [whole]), *(Part(sign, 0) for sign, size in sizes.items() if not size)]

    def cut(self, loads: Sequence[int]) -> Cut | None:
        """Return the next cut; None if no part must be cut now.

        Args:
            loads: Number of pages that each worker still has to read.
        """
        packed = self._packed(loads)
        for part in packed.left:
            is_heavy = part.size > packed.level * self._page
            # Most workers read while parts are cut, unless those parts are nearly everything.
            if not self._is_worth_a_cut(part, packed.level) or (
                not is_heavy and len(self._cutting) >= self._workers / 4
            ):
                continue
            below = self._candidates(part, MANY if is_heavy else FEW)
            needs_names = part.size > EARLY * self._page and part not in self._sampled and not self._names_of(part)
            if below or needs_names:
                self._parts = [one for one in packed.expanded if one != part]
                self._cutting.append(part)
                self._sampled.add(part)
                return Cut(part, below, needs_names)
            self._uncuttable.add(part)
        return None

    def divide(self, cut: Cut, sizes: Mapping[str, int] | None) -> None:
        """Replace a part by those that were counted; None instead of sizes means that they can't be counted."""
        self._cutting.remove(cut.part)
        self.was_cut = True
        if sizes is None:
            self._uncuttable.add(cut.part)
            self._parts.append(cut.part)
        else:
            self._parts.append(self._divided(cut.part, cut.below, sizes))

    def take(self, loads: Sequence[int]) -> Range | None:
        """Return the range for a free worker; None if it has to wait for a cut, or if there is nothing left.

        Args:
            loads: Number of pages that each of the other workers still has to read.
        """
        packed = self._packed(loads)
        rests = [one for one in packed.left if one.without and not self._is_worth_a_cut(one, packed.level)]
        alone = [one for one in packed.left if not self._cutting or one in self._uncuttable]
        found = packed.bins[0]
        if sum(one.size for one in rests) > self._page or not any(one.size for one in found):
            # The last parts of packed.bins have no objects: they would cost a page.
            found = tuple(rests[: self._terms] or alone[:1])
        size = sum(one.size for one in found)
        is_small = size < packed.level * self._page / 2
        if not found or (is_small and self._cutting and not self.was_cut):
            return None
        self._parts = [one for one in packed.expanded if one not in found]
        return Range(found, max(1, ceil(size / self._page)))

    def unread(self) -> list[Range]:
        """Return ranges of everything that no worker has taken."""
        packed = self._packed(())
        groups = [*filter(None, packed.bins), *((one,) for one in (*packed.left, *self._cutting))]
        return [Range(group, 0) for group in groups]

    def _is_worth_a_cut(self, part: Part, level: int) -> bool:
        """Return whether a part that is too large for a worker's share should be cut rather than read as it is."""
        least = self._page / 2 if level >= EARLY and not part.without else 2 * self._page
        return part.size > least and part not in self._uncuttable

    def _packed(self, loads: Sequence[int]) -> _Packed:
        """Pack with the lowest level, or with the next one if that saves all cuts."""
        pages = sum(one.size for one in (*self._parts, *self._cutting)) / self._page
        levels = [0] * (self._workers - len(loads)) + sorted(loads)
        level = level_of(pages, levels)
        packed = self._packed_to(level, levels)
        if level >= EARLY and any(one.size > self._page / 2 for one in packed.left):
            other = self._packed_to(level + 1, levels)
            if not other.left:
                return other
        return packed

    def _packed_to(self, level: int, loads: Sequence[int]) -> _Packed:
        """Pack parts from the largest to the smallest, each into the first range that has room for it."""
        room = [(level - load) * self._page for load in loads]
        bins: list[list[Part]] = [[] for _ in room]
        left, late, whole = [], [], []
        waiting = [(-one.size, one.beginning, number, one) for number, one in enumerate(self._parts)]
        heapify(waiting)
        while waiting:
            part = heappop(waiting)[-1]
            places = [number for number, space in enumerate(room) if part.size <= space and not part.without]
            place = next((number for number in places if len(bins[number]) < self._terms), None)
            if place is not None:
                bins[place].append(part)
                room[place] -= part.size
            elif part.parts and not places:
                for number, one in enumerate(part.parts):
                    heappush(waiting, (-one.size, one.beginning, number, one))
            elif places:
                late.append(part)
            else:
                left.append(part)
        whole = [*(one for some in bins for one in some), *left, *late]
        return _Packed(level, [tuple(one) for one in bins], left, whole)

    def _divided(self, part: Part, below: Mapping[str, list[str]], sizes: Mapping[str, int]) -> Part:
        """Return a part with the parts that a count found."""
        longer = below.get(part.beginning, ())
        counts = self._counts.setdefault(part.beginning, {})
        counts.update({one: sizes[one] for one in longer})
        parts = [self._divided(Part(one, sizes[one]), below, sizes) for one in longer if sizes[one]]
        rest = part.size - sum(sizes[one] for one in longer)
        known = tuple(one for one, size in counts.items() if size)
        if rest and parts:
            parts.append(Part(part.beginning, max(rest, 0), known))
        return part._replace(parts=tuple(parts))

    def _candidates(self, part: Part, most: int) -> dict[str, list[str]]:
        """Return longer beginnings to count, each below the one that it continues; none if all were counted."""
        found: dict[str, list[str]] = {}
        known = self._counts.get(part.beginning, {})
        names = self._names_of(part)
        waiting = [(0, part.beginning, names)]
        count = 0
        while waiting:
            _, beginning, some = heappop(waiting)
            place = len(beginning)
            signs = self._signs(place, some, is_known=bool(known) and beginning == part.beginning)
            longer = [beginning + sign for sign in signs if beginning + sign not in known][:most]
            if not longer or place >= LONGEST or (found and count + len(longer) > most):
                continue
            found[beginning] = longer
            count += len(longer)
            for one in longer:
                following = [name for name in some if name.startswith(one)]
                # A part that is small by the sample need not be divided further.
                is_large = part.size * len(following) > len(names) * self._page / 2
                if is_large and len(following) >= LEAST_NAMES:
                    heappush(waiting, (-len(following), one, following))
        return found

    def _signs(self, place: int, names: Sequence[str], *, is_known: bool) -> list[str]:
        """Return the signs to count at a place of names: those of the sample, and others of their kind."""
        seen = Counter(name[place] for name in names if len(name) > place)
        if is_known:
            return [*dict.fromkeys([*(sign for sign, _ in seen.most_common()), *SIGNS])]
        if not seen:
            return self._with_their_kind([name[place] for name in self._names if len(name) > place] or SIGNS)
        sign, times = seen.most_common(1)[0]
        if times >= COMMON * len(names) and sign not in DIGITS:
            return list(seen)
        return self._with_their_kind(seen)

    def _with_their_kind(self, signs: Iterable[str]) -> list[str]:
        """Return signs with all others of their kinds: digits, letters of ASCII, other signs in the sample."""
        found = list(dict.fromkeys(signs))
        for kind in (DIGITS, LETTERS):
            if any(sign in kind for sign in found):
                found += [sign for sign in kind if sign not in found]
        if any(sign not in SIGNS for sign in found):
            others = Counter(sign for name in self._names for sign in name if sign not in SIGNS)
            found += [sign for sign, _ in others.most_common(OTHERS) if sign not in found]
        return found

    def _names_of(self, part: Part) -> list[str]:
        names = [name for name in self._names if name.startswith(part.beginning)]
        return [name for name in names if not name.startswith(part.without)] if part.without else names


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
