"""The interface of certificate stores, and the search in them: stores of the user first, then those of the computer.

Several certificates can have the same name, because certificates are renewed. The search returns the one that expires
last among those that can sign now. It uses a store of the computer only if the stores of the user have none.
"""

from __future__ import annotations

import time
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

from entrakit.certificates.names import COMMON_NAME, matches, parse_name, parse_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from entrakit.certificates import Certificate

MAX_SHOWN = 10


class StoreItem(NamedTuple):
    """One item of a store: a certificate, or the reason why it can't be used.

    Args:
        place: Where the item is, for messages.
        certificate: The certificate with its signer; None if the item can't be used.
        problem: A sentence with the place and the reason why the item can't be used; empty if it can.
        exposed_path: File of the private key if other users can read it, else empty.
        is_exportable: Whether the private key is exportable; None if that is unknown.
        open: Function that returns the certificate with its key, if the key was not opened yet. It raises
            CertificateError if the key can't be opened.
    """

    place: str
    certificate: Certificate | None
    problem: str = ""
    exposed_path: str = ""
    is_exportable: bool | None = None
    open: Callable[[], Certificate] | None = None


class CertificateStore(Protocol):
    """A place with certificates."""

    @property
    def kind(self) -> str:
        """Kind of the store: `directory`, `dotnet`, `pkcs11`, `windows` or `keychain`."""
        ...

    @property
    def name(self) -> str:
        """Name of the store for messages."""
        ...

    @property
    def scope(self) -> str:
        """Owner of the store: `user` or `computer`."""
        ...

    def contents(self) -> Iterator[StoreItem]:
        """Yield all items, also those that can't be used; nothing if the place does not exist."""
        ...


class _Search(NamedTuple):
    """Search for a certificate: description, predicate, and similarity (0 to 1)."""

    description: str
    is_match: Callable[[Certificate], bool]
    similarity: Callable[[Certificate], float]


class _Candidate(NamedTuple):
    """A certificate of a store, and the reason why it was not selected; empty if it can be."""

    item: StoreItem
    certificate: Certificate
    rejection: str


def find_by_thumbprint(thumbprint: str, stores: Sequence[CertificateStore], *, now: float | None = None) -> Certificate:
    """Return the certificate with a thumbprint, from the first store that contains it.

    Args:
        thumbprint: SHA-1 or SHA-256 thumbprint, as `names.parse_thumbprint` accepts it.
        stores: Stores to search, in this order.
        now: Seconds since 1970; None for the current time.

    Raises:
        ParameterError: The thumbprint is invalid.
        CertificateError: No store has the certificate, or it can't sign now. The error lists the available ones.
    """
    digits = parse_thumbprint(thumbprint)

    def similarity(one: Certificate) -> float:
        return _ratio(digits, one.thumbprint if len(digits) == 40 else one.thumbprint_sha256)

    search = _Search(
        f"with the thumbprint {digits}", lambda one: digits in (one.thumbprint, one.thumbprint_sha256), similarity
    )
    return _find(search, stores, now)


def find_by_name(name: str, stores: Sequence[CertificateStore], *, now: float | None = None) -> Certificate:
    """Return the certificate with a name: of several that are valid now, the one that expires last.

    Args:
        name: Subject or common name, as `names.parse_name` accepts it.
        stores: Stores to search, in this order.
        now: Seconds since 1970; None for the current time.

    Raises:
        ParameterError: The name is invalid.
        CertificateError: No certificate with this name can sign now. The error lists the available ones.
    """
    attributes = parse_name(name)

    def similarity(one: Certificate) -> float:
        common = [attribute for attribute in one.attributes if attribute[0] == COMMON_NAME]
        return max(_ratio(_words(attributes), _words(other)) for other in (one.attributes, common))

    return _find(_Search(f"named {name!r}", lambda one: matches(name, one.attributes), similarity), stores, now)


def find_first(description: str, stores: Sequence[CertificateStore], *, now: float) -> Certificate:
    """Return a certificate of stores that contain only suitable ones: of several, the one that expires last.

    Args:
        description: Description of the certificate for the error message.
        stores: Stores to search.
        now: Seconds since 1970.

    Raises:
        CertificateError: No certificate can sign now. The error lists the available ones.
    """
    return _find(_Search(description, lambda _: True, lambda _: 0.0), stores, now)


def _find(search: _Search, stores: Sequence[CertificateStore], now: float | None) -> Certificate:
    moment = time.time() if now is None else now
    rejected: list[_Candidate] = []
    unusable: list[StoreItem] = []
    for _, scoped in groupby(stores, key=lambda store: store.scope):
        suitable: list[_Candidate] = []
        for item in chain.from_iterable(store.contents() for store in scoped):
            if item.certificate is None:
                unusable.append(item)
                continue
            candidate = _candidate(item, item.certificate, search, moment)
            (rejected if candidate.rejection else suitable).append(candidate)
        for best in sorted(suitable, key=lambda one: one.certificate.not_after, reverse=True):
            try:
                certificate = best.item.open() if best.item.open else best.certificate
            except CertificateError as error:
                unusable.append(StoreItem(best.item.place, None, error.problem))
                continue
            _warn_if_exposed(best.item)
            return certificate
    raise _not_found(search, stores, rejected, unusable)


def _candidate(item: StoreItem, certificate: Certificate, search: _Search, now: float) -> _Candidate:
    """Return a certificate with the reason against it, if there is a reason."""
    if not search.is_match(certificate):
        return _Candidate(item, certificate, "another certificate")
    try:
        certificate.check(now)
    except CertificateError as error:
        return _Candidate(item, certificate, error.problem)
    return _Candidate(item, certificate, "")


def _not_found(
    search: _Search, stores: Sequence[CertificateStore], rejected: list[_Candidate], unusable: list[StoreItem]
) -> CertificateError:
    """Return the error that lists the available certificates, the most similar first, then the unusable items."""
    rejected.sort(key=lambda one: (search.is_match(one.certificate), search.similarity(one.certificate)), reverse=True)
    lines = [f"Found no certificate {search.description} that has its private key and is valid."]
    lines += _section(
        "Available certificates",
        [
            f"{one.certificate.subject}  {one.certificate.thumbprint}  until {one.certificate.not_after:%Y-%m-%d}  "
            f"({one.item.place}): {one.rejection}"
            for one in rejected
        ],
    )
    lines += _section("Can't be read", [one.problem for one in unusable])
    lines += _section("Searched", [store.name for store in stores])
    return CertificateError(
        "\n".join(lines), remedy="Check the thumbprint or the name, or name a file with `certificate_path`."
    )


def _section(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    rest = [f"    and {len(lines) - MAX_SHOWN} more"] if len(lines) > MAX_SHOWN else []
    return [f"  {title}:", *(f"    {line}" for line in lines[:MAX_SHOWN]), *rest]


def _words(name: Sequence[tuple[str, str]]) -> str:
    return " ".join(value for _, value in name)


def _ratio(text: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, text, other, autojunk=False).ratio()


def _warn_if_exposed(item: StoreItem) -> None:
    if item.exposed_path:
        from entrakit.certificates.reading.files import warn_exposed

        warn_exposed(item.exposed_path)
