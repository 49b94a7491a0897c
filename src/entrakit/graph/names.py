"""The filters and the requests that find names: by beginnings, counted 20 at a time, and some of them listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import EntraError, GraphError
from entrakit.graph.batch import SIZE, batch
from entrakit.graph.beginnings import Part
from entrakit.services import odata
from entrakit.services.jobs import Preparation
from entrakit.services.request import call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from entrakit.services.odata import Query
    from entrakit.services.operation import Call, Operation
    from entrakit.services.service import Service

# Properties for ranges: every object has one, in ASCII, and any query can filter by it.
KEYS = {"users": "userPrincipalName", "groups": "mailNickname"}
TERMS = 15
# Number of names that are read to see how they continue.
SAMPLE = 400

_TEXT = re.compile(r"'(?:[^']|'')*'")
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_IN_LIST = re.compile(r"\bin\s*\(([^)]*)\)", re.IGNORECASE)


class NamesAnswer(NamedTuple):
    """The result of one request.

    Args:
        names: Names that were read.
        sizes: Number of objects for each beginning; None if the service refuses to count.
    """

    names: list[str]
    sizes: dict[str, int] | None


class Names:
    """The names of a collection, as the service can filter them.

    Args:
        service: The service.
        path: Path of the collection.
        headers: Header fields.
        query: Query options of the caller.
    """

    def __init__(self, service: Service, path: str, headers: Mapping[str, str] | None, query: Query) -> None:
        self._service = service
        self._path = path
        self._headers = headers
        self._key = key_of(service, path)
        expression = query.get("filter")
        self._own_filter = odata.parameters({"filter": expression}).get("$filter", "") if expression else ""

    @property
    def terms(self) -> int:
        """Number of beginnings that a filter can have besides the filter of the caller."""
        bare = _TEXT.sub("''", self._own_filter)
        joined = len(_OR.findall(bare)) + sum(one.count(",") for one in _IN_LIST.findall(bare))
        return TERMS - (joined + 1 if joined else 0)

    def filter(self, parts: Iterable[Part]) -> str:
        """Return the filter for some parts."""
        terms = " or ".join(filter(None, map(self._term, parts)))
        return f"({self._own_filter}) and ({terms})" if self._own_filter and terms else self._own_filter or terms

    def count(
        self,
        beginnings: Iterable[str],
        sampled: Iterable[Part],
        observe: Callable[[list[str]], None],
        learn: Callable[[dict[str, int] | None], None],
    ) -> list[Preparation]:
        """Return the requests that count beginnings and read some names.

        Args:
            beginnings: The beginnings to count.
            sampled: Parts whose names are sampled.
            observe: Function that receives names after each request.
            learn: Function that receives all numbers at the end, or None if the service refuses to count.
        """
        asked: list[Part | str] = [*sampled, *beginnings]
        groups = [asked[place : place + SIZE] for place in range(0, len(asked), SIZE)]
        answers = _Answers(len(groups), observe, learn)
        return [Preparation(self._answered(some), answers.add) for some in groups]

    def _answered(self, asked: Sequence[Part | str]) -> Operation[NamesAnswer]:
        results = yield from batch(self._service, [self._call(one) for one in asked])
        names: list[str] = []
        sizes: dict[str, int] | None = {}
        for one, result in zip(asked, results, strict=True):
            if isinstance(one, str):
                if isinstance(result, EntraError) and not isinstance(result, GraphError):
                    raise result
                if sizes is not None and isinstance(result, int):
                    sizes[one] = result
                else:
                    sizes = None
            elif isinstance(result, dict):
                names += [str(item.get(self._key) or "") for item in result.get("value", ())]
        return NamesAnswer(names, sizes)

    def _call(self, asked: Part | str) -> Call[object]:
        if isinstance(asked, Part):
            query: Query = {"filter": self.filter((asked,)), "select": [self._key], "top": SAMPLE}
            return call(self._service, "GET", self._path, headers=self._headers, **query)
        path, headers = f"{self._path.rstrip('/')}/$count", {**(self._headers or {}), "accept": "text/plain"}
        return call(self._service, "GET", path, headers=headers, filter=self.filter((Part(asked, 0),)))

    def _term(self, part: Part) -> str:
        """Return the filter for a part; empty for all objects."""
        begins = [odata.fill(f"startsWith({self._key},{{}})", one) for one in (part.beginning, *part.without)]
        terms = [*(begins[:1] if part.beginning else ()), *(f"not {one}" for one in begins[1:])]
        joined = " and ".join(terms)
        return f"({joined})" if part.without else joined


class _Answers:
    """The results of several requests.

    Args:
        missing: Number of requests without a result.
        observe: Function that receives names after each request.
        learn: Function that receives all numbers at the end, or None if one of the requests was refused.
    """

    def __init__(
        self, missing: int, observe: Callable[[list[str]], None], learn: Callable[[dict[str, int] | None], None]
    ) -> None:
        self._missing = missing
        self._observe = observe
        self._learn = learn
        self._sizes: dict[str, int] | None = {}

    def add(self, answer: NamesAnswer) -> None:
        """Note the result of a request."""
        self._missing -= 1
        self._observe(answer.names)
        self._sizes = None if answer.sizes is None or self._sizes is None else self._sizes | answer.sizes
        if not self._missing:
            self._learn(self._sizes)


def key_of(service: Service, path: str) -> str:
    """Return the property for ranges of a collection; empty if it can't be read in ranges."""
    name = path.strip("/").lower()
    return KEYS.get(name.removeprefix("v1.0/").removeprefix("beta/"), "") if service.is_graph else ""
