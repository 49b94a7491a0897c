"""What changed since the last time (Microsoft Graph, "Use delta query to track changes").

    first time      every object, page by page, and at the end a delta link
    next time       from the delta link: what was changed, and `@removed` for what is gone
    too long ago    410: everything once more, from the beginning (resync)

Objects are dicts, as the service wrote them. An object whose relations changed (`members@delta`) may be spread over
several pages; it is held back until the last one, and comes out once, with its relations merged. Until then nothing is
checkpointed, so that an interrupted round is read again from its last checkpoint and no change is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import ParameterError, ResyncRequiredError, UnexpectedAnswerError
from entrakit.services.listing import Listing
from entrakit.services.request import request_to, told_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.graph.delta_session import DeltaSession
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request
    from entrakit.services.service import Service

    JSON = dict[str, object]

RESYNCS = 2
_RESYNC = "resync "
_ENDS = ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
_REFUSED = ("expand", "search", "orderby", "count", "top")


class Delta:
    """The state of a delta query.

    Args:
        service: The service.
        path: The query, such as `/users/delta`.
        tenant: The tenant that is asked, for the session.
        headers: Header fields.
        query: Query options.
        session: Where the place to go on from is kept.
        latest: Report only what changes from now on.
        minimal: Ask for changed properties only.

    Raises:
        ParameterError: It is no delta query, or has an option that these don't take.
        VaultError: The session can't be read.
    """

    def __init__(
        self, service: Service, path: str, *, tenant: str, headers: Mapping[str, str] | None, query: Query,
        session: DeltaSession | None = None, latest: bool = False, minimal: bool = False,
    ) -> None:  # fmt: skip
        if path.partition("?")[0].rstrip("/").rpartition("/")[2].lower() not in _ENDS:
            raise ParameterError(f"{path} is not a delta query.", remedy="Ask for one, such as /users/delta.")
        refused = [name for name in _REFUSED if query.get(name)]
        if refused:
            raise ParameterError(
                f"A delta query takes no {refused[0]}.", remedy="Use select, and filter by id; Prefer sets page sizes."
            )
        fields = dict(headers or {})
        if minimal:
            given = [value for name, value in fields.items() if name.lower() == "prefer"]
            fields = {name: value for name, value in fields.items() if name.lower() != "prefer"}
            fields["prefer"] = ", ".join([*given, "return=minimal"])
        self._service = service
        self._whole = request_to(service, "GET", path, headers=fields, query=query)
        first = self._whole
        if latest:
            options = {**query.get("options", {}), "$deltatoken": "latest"}
            first = request_to(service, "GET", path, headers=fields, query={**query, "options": options})
        self._session = session
        self._key = f"{tenant} {told_by(fields)} {self._whole.url}"
        self._held: dict[str, JSON] = {}
        self._is_read = self._is_kept = False
        kept = session.link(self._key) if session else ""
        self.resyncs = 0
        self.is_resync = kept.startswith(_RESYNC)
        self.link = kept.removeprefix(_RESYNC)
        self._listing = self._from(first, self.link)

    @property
    def is_finished(self) -> bool:
        """Whether everything was read, and the place to go on from was kept."""
        return self._is_kept

    def advance(self) -> Operation[list[JSON]]:
        """Fetch the next page, and return the objects that are complete.

        Raises:
            GraphError: The service refused.
            NetworkError: No answer, or none that can be read; or one without the link to go on from.
        """
        try:
            page = yield from self._listing.advance()
        except ResyncRequiredError as error:
            self._begin_anew(error)
            return []
        complete = [one for one in page.items if not self._is_held_back(one)]
        self.link = page.next_link or page.delta_link
        if not self.link:
            raise UnexpectedAnswerError(
                f"{self._service.host} ended a delta query without a link to go on from.",
                remedy="Try again; what was read before is kept in the session.",
                host=self._service.host,
                correlation_id=self._whole.client_request_id,
            )
        if self._listing.is_finished:
            complete += self._held.values()
            self._held = {}
            self._is_read = True
        return complete

    def checkpoint(self) -> None:
        """Keep the place to go on from: what came so far was consumed. Raises VaultError."""
        if self._session is not None and not self._held and self.link:
            # Whoever goes on in the middle of a new beginning has to know that it is one.
            self._session.keep(self._key, self.link if self._is_read or not self.is_resync else _RESYNC + self.link)
        self._is_kept = self._is_read

    def _from(self, first: Request, link: str) -> Listing[JSON]:
        listing: Listing[JSON] = Listing(self._service, first, dict[str, object], may_repeat=True)
        if link:
            listing.go_on_at(link)
        return listing

    def _begin_anew(self, error: ResyncRequiredError) -> None:
        """Begin with all objects, where the service says or as asked at first."""
        self.resyncs += 1
        if self.resyncs > RESYNCS:
            raise error
        self.is_resync = True
        self._held = {}
        self.link = ""
        self._listing = self._from(self._whole, error.location if self._service.owns(error.location) else "")

    def _is_held_back(self, changed: JSON) -> bool:
        """Merge an object that comes in parts into what there is of it, and return whether it was one."""
        key = str(changed.get("id"))
        if key not in self._held and not any(name.endswith("@delta") for name in changed):
            return False
        self._held[key] = merged(self._held.get(key, {}), changed)
        return True


def merged(before: JSON, after: JSON) -> JSON:
    """Return an object with a later part of it: relations joined, of each related object the last word; else the later.

    Args:
        before: What there is.
        after: What came later.
    """
    result = {**before, **after}
    if "@removed" in before and "@removed" not in after:
        del result["@removed"]
    for name in after:
        earlier, later = before.get(name, []), after[name]
        if name.endswith("@delta") and isinstance(earlier, list) and isinstance(later, list):
            last = {_key(one, index): one for index, one in enumerate([*earlier, *later])}
            result[name] = list(last.values())
    return result


def _key(related: object, index: int) -> object:
    return related["id"] if isinstance(related, dict) and "id" in related else index
