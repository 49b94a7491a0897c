"""Finding certificates: a source (`entrakit.sources`) becomes the certificate itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.certificates import Certificate
from entrakit.errors import CertificateError, ParameterError
from entrakit.secret import Secret
from entrakit.sources import CertificateFile, InKeyVault, InStore, OnToken, SignedByProgram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.services.connected import OpenConnection
    from entrakit.sources import CertificateSource


def credential_from(
    source: CertificateSource,
    password: Secret | None,
    now: float,
    environ: Mapping[str, str] = os.environ,
    open_connection: OpenConnection | None = None,
) -> Certificate | Secret:
    """Return the certificate of a source, or the client secret if a key vault has one instead.

    Args:
        source: Where the certificate is.
        password: Password of the file, or PIN of the token; None for none.
        now: Seconds since 1970.
        environ: The environment.
        open_connection: Function that opens the connection for the key vault.

    Raises:
        CertificatePasswordError: A password or PIN is required, and none was given.
        CertificateError: The certificate does not exist, or can't be used.
        ParameterError: Thumbprint, name, store, module, URI or key vault is invalid.
    """
    match source:
        case InKeyVault():
            return _from_key_vault(source, open_connection)
        case SignedByProgram():
            return _signed_by_program(source, password)
        case CertificateFile():
            return Certificate.from_path(source.path, password.reveal() if password else None, source.thumbprint)
        case OnToken():
            return _on_token(source, password, now, environ)
        case InStore():
            return _in_store(source, password, now, environ)


def certificate_from(
    source: CertificateSource, password: Secret | None, now: float, environ: Mapping[str, str] = os.environ
) -> Certificate:
    """Return the certificate of a source that is not in a key vault; arguments and errors as for `credential_from`."""
    found = credential_from(source, password, now, environ)
    if isinstance(found, Certificate):
        return found
    raise CertificateError("The source has a client secret instead of a certificate.")


def _signed_by_program(source: SignedByProgram, password: Secret | None) -> Certificate:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from entrakit.certificates.public_keys import not_rsa
    from entrakit.certificates.reading.files import read_public_certificate
    from entrakit.certificates.signers.command import CommandKey

    certificate, chain = read_public_certificate(source.path, password.reveal() if password else None)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise not_rsa(key, "The key of the certificate")
    return Certificate(certificate, CommandKey(source.command, key.key_size // 8), chain)


def _on_token(source: OnToken, password: Secret | None, now: float, environ: Mapping[str, str]) -> Certificate:
    from entrakit.certificates.stores.available import token_stores
    from entrakit.certificates.stores.pkcs11_uri import parse_uri
    from entrakit.certificates.stores.store import find_first

    uri = parse_uri(source.uri)
    tokens = token_stores(source.module or uri.module_path, _pin_of(uri, environ) or password, environ, uri)
    return find_first(f"at {source.uri.partition('?')[0]}", tokens, now=now)


def _in_store(source: InStore, password: Secret | None, now: float, environ: Mapping[str, str]) -> Certificate:
    from entrakit.certificates.stores.available import stores_named, usual_stores
    from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint

    is_named = source.store or source.module
    stores = stores_named(source.store, source.module, password, environ) if is_named else usual_stores()
    if source.thumbprint is not None:
        return find_by_thumbprint(source.thumbprint, stores)
    return find_by_name(source.name or "", stores, now=now)


def _from_key_vault(source: InKeyVault, open_connection: OpenConnection | None) -> Certificate | Secret:
    from entrakit.certificates.signers.key_vault import KeyVault

    if not source.vault:
        raise ParameterError("No key vault was named.", remedy="Give its name or https address with `key_vault`.")
    if open_connection is None or not source.connection:
        raise ParameterError(
            "To read from a key vault, you need a saved connection that is allowed to use it.",
            remedy="Name it with `key_vault_connection`.",
        )
    key_vault = KeyVault(source.vault, source.connection, open_connection)
    if source.certificate is not None:
        return Certificate(*key_vault.certificate(source.certificate))
    if source.key is not None and not source.path:
        raise ParameterError(
            "A key of a key vault signs for a certificate, and none was named.",
            remedy="Name the file of the certificate with `certificate_path`.",
        )
    if source.key is not None:
        from entrakit.certificates.reading.files import read_public_certificate

        certificate, _ = read_public_certificate(source.path)
        return Certificate(certificate, key_vault.key(source.key))
    secret = key_vault.secret(source.secret or "")
    return secret if isinstance(secret, Secret) else Certificate.from_bytes(secret)


def _pin_of(uri: Pkcs11Uri, environ: Mapping[str, str]) -> Secret | None:
    """Return the PIN from the source that a URI names; None if it names none."""
    source = uri.pin_source
    if not source:
        return None
    if source.startswith("env:"):
        return Secret.from_env(source[4:], environ)
    if source.startswith("|"):
        raise ParameterError(
            "pin-source names a program, but entrakit does not run programs to get a PIN.",
            remedy="Name a file: pin-source=file:/path.",
        )
    return Secret.from_file(source.removeprefix("file://").removeprefix("file:"))
