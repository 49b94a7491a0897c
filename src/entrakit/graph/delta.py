"""Delta queries: the changes in a collection (Microsoft Graph, "Use delta query to track changes").

    first query     every object, page by page, and at the end a delta link
    next query      from the delta link: changed objects, and objects with `@removed` for deleted ones
    link too old    410, or 400 with a code that says so: every object again, from the beginning (resync)

Objects are dicts with the members from the service. An object with changed relations (`members@delta`) can be spread
over several pages. It is held until the last page, and returned once, with its relations merged. Until then no
checkpoint is saved, so an interrupted query is read again from its last checkpoint, and no change is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import GraphError, ParameterError, ResyncRequiredError, UnexpectedAnswerError
from entrakit.services.listing import Listing
from entrakit.services.request import headers_key, request_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.graph.delta_session import DeltaSession
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request
    from entrakit.services.service import Service

    JSON = dict[str, object]

RESYNCS = 2
_RESYNC = "resync "
# Codes with which workloads refuse a position that is too old, with HTTP 400 (in lower case).
_TOO_OLD = frozenset({
    "directory_expiredpagetoken", "expiredpagetoken", "invaliddeltatoken", "resyncrequired", "syncstateinvalid",
    "syncstatenotfound",
})  # fmt: skip
_ENDS = ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
_NOT_ALLOWED = ("expand", "search", "orderby", "count", "top")


class Delta:
    """The state of a delta query. `begin` and `checkpoint` read and write files, and wait for locks; the rest does not.

    Args:
        service: The service.
        path: The query, such as `/users/delta`.
        tenant: Tenant of the connection, as a part of the key in the session.
        headers: Header fields.
        query: Query options.
        session: File with the delta links of earlier queries.
        latest: Report only later changes.
        minimal: Request the changed properties only.

    Raises:
        ParameterError: The path is not a delta query, or an option is not allowed in one.
    """

    def __init__(
        self,
        service: Service,
        path: str,
        *,
        tenant: str,
        headers: Mapping[str, str] | None,
        query: Query,
        session: DeltaSession | None = None,
        latest: bool = False,
        minimal: bool = False,
    ) -> None:
        if path.partition("?")[0].rstrip("/").rpartition("/")[2].lower() not in _ENDS:
            raise ParameterError(f"{path} is not a delta query.", remedy="Use one, such as /users/delta.")
        invalid = [name for name in _NOT_ALLOWED if query.get(name)]
        if invalid:
            raise ParameterError(
                f"A delta query can't have {invalid[0]}.",
                remedy="Use select, and filter by id; the header Prefer sets the size of pages.",
            )
        fields = dict(headers or {})
        if minimal:
            preferences = [value for name, value in fields.items() if name.lower() == "prefer"]
            fields = {name: value for name, value in fields.items() if name.lower() != "prefer"}
            fields["prefer"] = ", ".join([*preferences, "return=minimal"])
        self._service = service
        self._whole = request_to(service, "GET", path, headers=fields, query=query)
        first = self._whole
        if latest:
            options = {**query.get("options", {}), "$deltatoken": "latest"}
            first = request_to(service, "GET", path, headers=fields, query={**query, "options": options})
        self._session = session
        self._key = f"{tenant} {headers_key(fields)} {self._whole.url}"
        self._held: dict[str, JSON] = {}
        self._is_begun = self._is_read = self._is_saved = False
        self.resyncs = 0
        self.is_resync = False
        self.link = ""
        self._listing = self._from(first, "")

    @property
    def is_finished(self) -> bool:
        """Whether everything was read, and the delta link was saved."""
        return self._is_saved

    def begin(self) -> None:
        """Continue from the position in the session, if this was not done yet. Errors as for `DeltaSession`."""
        if self._is_begun:
            return
        saved = self._session.link(self._key) if self._session else ""
        self.is_resync = saved.startswith(_RESYNC)
        self.link = saved.removeprefix(_RESYNC)
        if self.link:
            self._listing.continue_at(self.link)
        self._is_begun = True

    def advance(self) -> Operation[list[JSON]]:
        """Fetch the next page, and return the objects that are complete.

        Raises:
            GraphError: The service refused the request.
            NetworkError: There is no response, it can't be read, or it has no link.
            ParameterError, ExportError: The session can't be used, as for `DeltaSession`.
        """
        self.begin()
        try:
            page = yield from self._listing.advance()
        except GraphError as error:
            if not isinstance(error, ResyncRequiredError) and error.code.lower() not in _TOO_OLD:
                self._explain(error)
                raise
            self._restart(error)
            return []
        complete = [one for one in page.items if not self._is_held_back(one)]
        self.link = page.next_link or page.delta_link
        if not self.link:
            raise UnexpectedAnswerError(
                f"{self._service.host} ended a delta query without a delta link.",
                remedy="Try again; the session contains the position after the last complete page.",
                host=self._service.host,
                correlation_id=self._whole.client_request_id,
            )
        if self._listing.is_finished:
            complete += self._held.values()
            self._held = {}
            self._is_read = True
        return complete

    def checkpoint(self) -> None:
        """Save the position in the session: the caller has processed the objects so far. Errors as for `keep`."""
        if self._session is not None and not self._held and self.link:
            # A later run that continues in the middle of a resync has to know that it is one.
            self._session.keep(self._key, self.link if self._is_read or not self.is_resync else _RESYNC + self.link)
        self._is_saved = self._is_read

    def _from(self, first: Request, link: str) -> Listing[JSON]:
        listing: Listing[JSON] = Listing(self._service, first, dict[str, object], may_repeat=True)
        if link:
            listing.continue_at(link)
        return listing

    def _explain(self, error: GraphError) -> None:
        """Let an error say how to start again if it may be about the saved position."""
        if self.link and error.status == 400 and self._session is not None:
            error.remedy = (
                "If the service has forgotten the position of the last run, start again: name another file for the "
                f"session, or remove {self._session.path}."
            )

    def _restart(self, error: GraphError) -> None:
        """Read all objects again, from the address that the service gives, or else from the first one."""
        self.resyncs += 1
        if self.resyncs > RESYNCS:
            raise error
        self.is_resync = True
        self._held = {}
        self.link = ""
        location = error.location if isinstance(error, ResyncRequiredError) else ""
        self._listing = self._from(self._whole, location if self._service.owns(location) else "")

    def _is_held_back(self, changed: JSON) -> bool:
        """Return whether an object arrives in parts; merge it into its earlier parts."""
        key = str(changed.get("id"))
        if key not in self._held and not any(name.endswith("@delta") for name in changed):
            return False
        self._held[key] = merged(self._held.get(key, {}), changed)
        return True


def merged(before: JSON, after: JSON) -> JSON:
    """Return an object merged with a later part: relations are joined, and the later value of each member counts.

    Args:
        before: The earlier part.
        after: The later part.
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
