"""An app whose certificate, key or client secret is in Azure Key Vault, which another saved connection may use.

The kind of the credential is known once it was read: then this way becomes that of a certificate or of a client secret.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import ParameterError
from entrakit.secret import Secret
from entrakit.sign_in.flow import Flow
from entrakit.sign_in.flows.certificate import ClientCertificate
from entrakit.sign_in.flows.secret import ClientSecret
from entrakit.sources import InKeyVault, absolute, certificate_source, saved_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import SavedSettings


class KeyVaultCredential(Flow):
    """An app with a credential in Azure Key Vault.

    Args:
        source: Place of the credential.
        send_chain: Whether to send the certificate's chain (`x5c`).
        or_else: Other ways, to use in turn if this one is refused.
    """

    __slots__ = ("hints", "or_else", "origin", "send_chain", "source", "uses")

    name = "certificate"
    is_app = True
    is_ready = False
    refused_tenants = ("common", "consumers", "organizations")
    source: InKeyVault
    send_chain: bool
    origin: tuple[tuple[str, str], ...]
    hints: tuple[tuple[str, str], ...]
    or_else: tuple[Flow, ...]
    uses: str

    def __init__(self, source: InKeyVault, *, send_chain: bool = False, or_else: Sequence[Flow] = ()) -> None:
        put = object.__setattr__
        put(self, "source", absolute(source))
        put(self, "origin", saved_form(self.source))
        # Until one of them has worked. The saved connection has that one only.
        ways = [one for one in (self, *or_else) if isinstance(one, KeyVaultCredential)] if or_else else []
        put(self, "hints", tuple(("key_vault_secret", one.source.secret) for one in ways if one.source.secret))
        put(self, "uses", source.connection)
        put(self, "send_chain", send_chain)
        put(self, "or_else", tuple(or_else))

    def __repr__(self) -> str:
        return f"KeyVaultCredential({self.source!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameters of a key vault; each further secret is another way to use in turn."""
        texts = {name: None if given.get(name) is None else os.fspath(given[name]) for name in _PLACES}
        secrets = given.get("key_vault_secret")
        names = [secrets] if isinstance(secrets, str) else list(secrets or ())
        place = InKeyVault(
            texts["key_vault"] or "", texts["key_vault_connection"] or "", texts["key_vault_certificate"],
            key=texts["key_vault_key"], path=texts["certificate_path"] or "",
        )  # fmt: skip
        chain = bool(given.get("send_certificate_chain"))
        first, *others = [place._replace(secret=one) for one in names] or [place]
        return cls(first, send_chain=chain, or_else=[cls(one, send_chain=chain) for one in others])

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return the certificate or the client secret that the key vault has."""
        found = _read(self.source, self.send_chain, now, open_connection)
        found.check(now)
        return found

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Return the certificate or the client secret that the key vault has now."""
        del environ
        return _read(_saved_place(settings), settings.send_chain, now, open_connection)

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the place in the key vault, all secrets that were named, and whether the chain is sent."""
        place = _saved_place(settings)._asdict()
        found: dict[str, object] = {_NAMES[field]: value for field, value in place.items() if value}
        if secrets := [secret for name, secret in settings.hints if name == "key_vault_secret"]:
            found["key_vault_secret"] = secrets
        return found | ({"send_certificate_chain": True} if settings.send_chain else {})

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the place in the key vault, and the connection that leads to it."""
        place = _saved_place(settings)
        kind = "secret" if place.secret else "certificate" if place.certificate else "key"
        if settings.save_secret:
            return f"the saved {kind}"
        where = f"the key vault {place.vault!r}, through the connection {place.connection!r}"
        return f"the {kind} {getattr(place, kind)!r} in {where}"


FLOW = KeyVaultCredential

_PLACES = ("key_vault", "key_vault_connection", "key_vault_certificate", "key_vault_key", "certificate_path")
# Parameters of `connect()`, by the fields of the source.
_NAMES = {
    "vault": "key_vault",
    "connection": "key_vault_connection",
    "certificate": "key_vault_certificate",
    "secret": "key_vault_secret",
    "key": "key_vault_key",
    "path": "certificate_path",
}


def _saved_place(settings: SavedSettings) -> InKeyVault:
    found = certificate_source(dict(settings.origin))
    if not isinstance(found, InKeyVault):
        raise ParameterError("No key vault was named.", remedy="Connect again: `connect()`.")
    return found


def _read(source: InKeyVault, send_chain: bool, now: float, open_connection: OpenConnection | None) -> Flow:
    from entrakit.certificates.sources import credential_from

    read = credential_from(source, None, now, open_connection=open_connection)
    if isinstance(read, Secret):
        return ClientSecret(read, key_vault=source)
    return ClientCertificate.read_from(source, read, send_chain=send_chain)
