"""The certificates in all stores of this machine, and whether an app can sign in with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from entrakit.certificates.stores.available import stores_named, token_stores
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.certificates import Certificate
    from entrakit.certificates.stores.store import CertificateStore, StoreItem


class InventoryItem(NamedTuple):
    """One item of one store.

    Args:
        kind: Kind of the store.
        scope: `user` or `computer`.
        store: Name of the store for messages.
        place: Where the item is in the store.
        certificate: The certificate; None if it can't be read.
        key: Kind and size of the key, such as `RSA 2048`; empty if it can't be read.
        is_exportable: Whether the private key is exportable; None if that is unknown.
        problem: The reason why an app can't sign in with it now; empty if it can.
    """

    kind: str
    scope: str
    store: str
    place: str
    certificate: Certificate | None
    key: str
    is_exportable: bool | None
    problem: str


def list_certificates(
    store: str = "", module: str = "", *, now: float, environ: Mapping[str, str] = os.environ
) -> list[InventoryItem]:
    """Return all certificates in the stores of this machine, including tokens, without a password or PIN.

    Args:
        store: Name of a store, as for `stores_named`; empty for all stores.
        module: File of a PKCS#11 module; empty for the configured modules.
        now: Seconds since 1970.
        environ: The environment.

    Raises:
        ParameterError: The store or the module does not exist.
        CertificateError: Tokens are requested, but no PKCS#11 module is configured.
    """
    stores = stores_named(store, module, None, environ)
    if not store and not module:
        stores = [*stores, *_tokens(environ)]
    return [_item(one, item, now) for one in stores for item in one.contents()]


def _tokens(environ: Mapping[str, str]) -> list[CertificateStore]:
    from entrakit.certificates.stores.pkcs11_uri import ANY

    try:
        return token_stores("", None, environ, ANY)
    except CertificateError:
        return []


def _item(store: CertificateStore, item: StoreItem, now: float) -> InventoryItem:
    certificate, problem, key = item.certificate, item.problem, ""
    if certificate is not None:
        key = certificate.key_kind
        try:
            certificate.check(now)
        except CertificateError as error:
            problem = error.problem
    return InventoryItem(store.kind, store.scope, store.name, item.place, certificate, key, item.is_exportable, problem)
