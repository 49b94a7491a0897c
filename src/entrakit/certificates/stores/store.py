"""Certificate stores, and how a certificate is found in them: the user's stores first, then the computer's.

Several certificates may have one name, for they are renewed. The one that ends last, of those that can sign now, is
taken: a computer's certificate counts only where the user's stores have none.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import chain, groupby
from typing import NamedTuple, Protocol

from entrakit.certificates.names import COMMON_NAME, matches, parse_name, parse_thumbprint
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from entrakit.certificates import Certificate

SHOWN = 10


class Found(NamedTuple):
    """What a store has at one place.

    Args:
        place: Where, for people.
        certificate: The certificate with its key; None if it can't be used.
        problem: A sentence that names the place and says why it can't be used; empty if it can.
        exposed_path: The file with its key, if others on this machine can read it; else empty.
        is_exportable: Whether its key can leave where it is; None where that is not known.
        open: Returns the certificate with its key, where that was not opened yet; raises CertificateError if it can't.
    """

    place: str
    certificate: Certificate | None
    problem: str = ""
    exposed_path: str = ""
    is_exportable: bool | None = None
    open: Callable[[], Certificate] | None = None


class CertificateStore(Protocol):
    """A place that certificates live in."""

    @property
    def kind(self) -> str:
        """What kind of store it is, in one word: `directory`, `dotnet`, `pkcs11`, `windows`, `keychain`."""
        ...

    @property
    def name(self) -> str:
        """How to call it, for people."""
        ...

    @property
    def scope(self) -> str:
        """Whose it is: `user` or `computer`."""
        ...

    def contents(self) -> Iterator[Found]:
        """Return what there is, also what can't be used; nothing if the place does not exist."""
        ...


class _Wanted(NamedTuple):
    """What is looked for: in words, as a test, and as a measure of how near a certificate comes (0 to 1)."""

    words: str
    is_met_by: Callable[[Certificate], bool]
    likeness: Callable[[Certificate], float]


class _Candidate(NamedTuple):
    """A certificate that was seen, and why it was not taken; empty if it can be."""

    found: Found
    certificate: Certificate
    refusal: str


def usual_stores(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[CertificateStore]:
    """Return the stores of this machine, the user's before the computer's.

    Args:
        environ: The environment to look variables up in.
        platform: The operating system, as `sys.platform` calls it.
    """
    from entrakit.certificates.stores.folder import computer_stores, user_stores

    return [*user_stores(environ, platform), *computer_stores(environ, platform)]


def find_by_thumbprint(
    thumbprint: str, stores: Sequence[CertificateStore] | None = None, *, now: float | None = None
) -> Certificate:
    """Return the certificate with a thumbprint and its key, of the first store that has it.

    Args:
        thumbprint: SHA-1 or SHA-256, as `names.parse_thumbprint` takes it.
        stores: Where to look, in this order; None for the usual stores.
        now: Seconds since 1970; None for now.

    Raises:
        ParameterError: The thumbprint can't be one.
        CertificateError: There is none, or it can't sign now; the error lists what there is.
    """
    wanted = parse_thumbprint(thumbprint)

    def likeness(one: Certificate) -> float:
        return _ratio(wanted, one.thumbprint if len(wanted) == 40 else one.thumbprint_sha256)

    test = _Wanted(
        f"with the thumbprint {wanted}", lambda one: wanted in (one.thumbprint, one.thumbprint_sha256), likeness
    )
    return _find(test, stores, now)


def find_by_name(
    name: str, stores: Sequence[CertificateStore] | None = None, *, now: float | None = None
) -> Certificate:
    """Return the certificate with a subject and its key; of several, the one that ends last of those valid now.

    Args:
        name: Subject or common name, as `names.parse_name` takes it.
        stores: Where to look, in this order; None for the usual stores.
        now: Seconds since 1970; None for now.

    Raises:
        ParameterError: The name can't be one.
        CertificateError: There is none that can sign now; the error lists what there is.
    """
    wanted = parse_name(name)

    def likeness(one: Certificate) -> float:
        common = [attribute for attribute in one.attributes if attribute[0] == COMMON_NAME]
        return max(_ratio(_words(wanted), _words(seen)) for seen in (one.attributes, common))

    return _find(_Wanted(f"named {name!r}", lambda one: matches(name, one.attributes), likeness), stores, now)


def find_first(words: str, stores: Sequence[CertificateStore], *, now: float) -> Certificate:
    """Return a certificate of stores that were chosen by what they hold; of several, the one that ends last.

    Args:
        words: What is looked for, for the error.
        stores: Where to look.
        now: Seconds since 1970.

    Raises:
        CertificateError: There is none that can sign now; the error lists what there is.
    """
    return _find(_Wanted(words, lambda _: True, lambda _: 0.0), stores, now)


def _find(wanted: _Wanted, stores: Sequence[CertificateStore] | None, now: float | None) -> Certificate:
    where = usual_stores() if stores is None else stores
    moment = time.time() if now is None else now
    seen: list[_Candidate] = []
    broken: list[Found] = []
    for _, scoped in groupby(where, key=lambda store: store.scope):
        fitting: list[_Candidate] = []
        for found in chain.from_iterable(store.contents() for store in scoped):
            if found.certificate is None:
                broken.append(found)
                continue
            candidate = _judged(found, found.certificate, wanted, moment)
            (seen if candidate.refusal else fitting).append(candidate)
        for best in sorted(fitting, key=lambda one: one.certificate.not_after, reverse=True):
            try:
                certificate = best.found.open() if best.found.open else best.certificate
            except CertificateError as error:
                broken.append(Found(best.found.place, None, error.problem))
                continue
            _warn_if_exposed(best.found)
            return certificate
    raise _nothing(wanted, where, seen, broken)


def _judged(found: Found, certificate: Certificate, wanted: _Wanted, now: float) -> _Candidate:
    """Return a certificate with the reason why it can't be taken, if there is one."""
    if not wanted.is_met_by(certificate):
        return _Candidate(found, certificate, "it is another one")
    try:
        certificate.check(now)
    except CertificateError as error:
        return _Candidate(found, certificate, error.problem)
    return _Candidate(found, certificate, "")


def _nothing(
    wanted: _Wanted, stores: Sequence[CertificateStore], seen: list[_Candidate], broken: list[Found]
) -> CertificateError:
    """Return the error that lists what there is, the nearest first, then what can't be read."""
    seen.sort(key=lambda one: (wanted.is_met_by(one.certificate), wanted.likeness(one.certificate)), reverse=True)
    lines = [f"There is no certificate {wanted.words} that has its private key and is valid."]
    lines += _listed(
        "Certificates that are there",
        [
            f"{one.certificate.subject}  {one.certificate.thumbprint}  until {one.certificate.not_after:%Y-%m-%d}  "
            f"({one.found.place}): {one.refusal}"
            for one in seen
        ],
    )
    lines += _listed("What can't be read", [one.problem for one in broken])
    lines += _listed("Looked in", [store.name for store in stores])
    return CertificateError(
        "\n".join(lines), remedy="Check the thumbprint or the name, or name a file with `certificate_path`."
    )


def _listed(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    rest = [f"    and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"  {title}:", *(f"    {line}" for line in lines[:SHOWN]), *rest]


def _words(name: Sequence[tuple[str, str]]) -> str:
    return " ".join(value for _, value in name)


def _ratio(wanted: str, seen: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, wanted, seen, autojunk=False).ratio()


def _warn_if_exposed(found: Found) -> None:
    if found.exposed_path:
        from entrakit.certificates.reading.files import warn_exposed

        warn_exposed(found.exposed_path)
