"""What every certificate store of this machine offers, and whether it can be used to sign in."""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.certificates.sources import stores_of, token_stores
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.certificates import Certificate
    from entrakit.certificates.stores.store import CertificateStore, Found


class Offer(NamedTuple):
    """One thing in one store.

    Args:
        kind: The store's kind.
        scope: `user` or `computer`.
        store: The store, for people.
        place: Where in it.
        certificate: The certificate; None if it can't be read.
        key: Kind and size of its key, such as `RSA 2048`; empty if it can't be read.
        is_exportable: Whether the key can leave where it is; None where that is not known.
        problem: Why it can't be used to sign in now; empty if it can.
    """

    kind: str
    scope: str
    store: str
    place: str
    certificate: Certificate | None
    key: str
    is_exportable: bool | None
    problem: str


def offers(which: str = "", module: str = "", *, now: float, environ: Mapping[str, str] = os.environ) -> list[Offer]:
    """Return what the stores of this machine offer, tokens among them; nothing is asked for a password or PIN.

    Args:
        which: As for `sources.stores_of`.
        module: PKCS#11 module; empty for those that are configured.
        now: Seconds since 1970.
        environ: The environment.

    Raises:
        ParameterError: There is no such store or module.
        CertificateError: Tokens were asked for, and no module is configured.
    """
    stores = stores_of(which, module, None, environ)
    if not which and not module:
        stores = [*stores, *_tokens(environ)]
    return [_offer(store, found, now) for store in stores for found in store.contents()]


def _tokens(environ: Mapping[str, str]) -> list[CertificateStore]:
    from entrakit.certificates.stores.pkcs11_uri import ANY

    try:
        return token_stores("", None, environ, ANY)
    except CertificateError:
        return []


def _offer(store: CertificateStore, found: Found, now: float) -> Offer:
    certificate, problem, key = found.certificate, found.problem, ""
    if certificate is not None:
        key = certificate.key_kind
        try:
            certificate.check(now)
        except CertificateError as error:
            problem = error.problem
    return Offer(store.kind, store.scope, store.name, found.place, certificate, key, found.is_exportable, problem)
