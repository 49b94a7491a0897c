"""Certificate stores, and how a certificate is found in them: the user's store first, then the computer's."""

from __future__ import annotations

import os
import time
from typing import NamedTuple, Protocol

from entrakit.certificates.names import matches, parse_name, parse_thumbprint
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from entrakit.certificates import Certificate


class Found(NamedTuple):
    """What a store has at one place.

    Args:
        place: Where, for people.
        certificate: The certificate with its key; None if it can't be used.
        problem: Why it can't be used; empty if it can.
    """

    place: str
    certificate: Certificate | None
    problem: str = ""


class CertificateStore(Protocol):
    """A place that certificates live in."""

    name: str
    scope: str

    def contents(self) -> Iterator[Found]:
        """Return what there is, also what can't be used."""
        ...


def usual_stores(environ: Mapping[str, str] = os.environ) -> list[CertificateStore]:
    """Return the stores of this machine: the user's, then the computer's."""
    from entrakit.certificates.directory import computer_store, user_store

    return [user_store(environ), computer_store(environ)]


def find_by_thumbprint(
    thumbprint: str, stores: Sequence[CertificateStore] | None = None, *, now: float | None = None
) -> Certificate:
    """Return the certificate with a thumbprint, of the first store that has it.

    Args:
        thumbprint: SHA-1 or SHA-256, as `names.parse_thumbprint` takes it.
        stores: Where to look, in this order; None for the usual stores.
        now: Seconds since 1970; None for now.

    Raises:
        ParameterError: The thumbprint can't be one.
        CertificateError: There is none, or it can't be used; the error lists what there is.
    """
    wanted = parse_thumbprint(thumbprint)
    return _find(
        f"with the thumbprint {wanted}",
        lambda one: wanted in (one.thumbprint, one.thumbprint_sha256),
        usual_stores() if stores is None else stores,
        time.time() if now is None else now,
    )


def find_by_name(
    name: str, stores: Sequence[CertificateStore] | None = None, *, now: float | None = None
) -> Certificate:
    """Return the certificate with a subject; of several in one store, the valid one that ends last.

    Args:
        name: Subject or common name, as `names.parse_name` takes it.
        stores: Where to look, in this order; None for the usual stores.
        now: Seconds since 1970; None for now.

    Raises:
        ParameterError: The name can't be one.
        CertificateError: There is none that is valid and has its key; the error lists what there is.
    """
    parse_name(name)
    return _find(
        f"named {name!r}",
        lambda one: matches(name, one.subject),
        usual_stores() if stores is None else stores,
        time.time() if now is None else now,
    )


def _find(
    what: str, is_wanted: Callable[[Certificate], bool], stores: Sequence[CertificateStore], now: float
) -> Certificate:
    seen: list[str] = []
    for store in stores:
        wanted = []
        for found in store.contents():
            seen.append(_described(found, store, now))
            if found.certificate is not None and is_wanted(found.certificate):
                wanted.append(found.certificate)
        valid = [one for one in wanted if one.is_valid(now)]
        if valid:
            return max(valid, key=lambda one: one.not_after)
    listing = "\n".join(f"    {line}" for line in seen[:20])
    raise CertificateError(
        f"There is no valid certificate {what} with a private key, neither in the user's store nor in the computer's."
        + (f" There are:\n{listing}" if seen else f" Looked in: {', '.join(store.name for store in stores)}."),
        remedy="Check thumbprint or name, or name a file with --certificate-path.",
    )


def _described(found: Found, store: CertificateStore, now: float) -> str:
    one = found.certificate
    if one is None:
        return f"{found.place}: {found.problem}"
    state = "valid until" if one.is_valid(now) else "NOT valid, until"
    return f"{one.subject}  {one.thumbprint}  {state} {one.not_after:%Y-%m-%d}  ({store.scope})"
