"""Sources of certificates: a description of where a certificate is becomes the certificate itself.

    {"path": …}                      a file with certificate and key
    {"path": …, "command": […]}      a file with the certificate, and a program that signs
    {"thumbprint": …} {"name": …}    the usual stores, or those that "store" and "module" name
    {"uri": "pkcs11:…"}              a token
    {"vault": …, "vault_certificate": …, "vault_connection": …}     a certificate whose key signs in a key vault
    {"vault": …, "vault_key": …, "path": …, "vault_connection": …}  a file with the certificate, its key in a key vault
    {"vault": …, "vault_secret": …, "vault_connection": …}          a certificate or a client secret from a key vault

Saved connections contain these descriptions, so the names in them do not change. "vault" means Azure Key Vault here.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from entrakit.certificates import Certificate
from entrakit.errors import ParameterError
from entrakit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.services.connected import OpenConnection


def credential_from(
    source: Mapping[str, str],
    password: Secret | None,
    now: float,
    environ: Mapping[str, str] = os.environ,
    open_connection: OpenConnection | None = None,
) -> Certificate | Secret:
    """Return the certificate of a source, or the client secret if a key vault has one instead.

    Args:
        source: Description as above.
        password: Password of the file, or PIN of the token; None for none.
        now: Seconds since 1970.
        environ: The environment.
        open_connection: Function that opens the connection for the key vault.

    Raises:
        CertificatePasswordError: A password or PIN is required, and none was given.
        CertificateError: The certificate does not exist, or can't be used.
        ParameterError: Thumbprint, name, store, module, URI or key vault is invalid.
    """
    if any(part.startswith("vault") for part in source):
        return _from_key_vault(source, open_connection)
    if "command" in source:
        return _signed_by_program(source["path"], json.loads(source["command"]))
    if "path" in source:
        return Certificate.from_path(source["path"], password.reveal() if password else None)
    return _from_stores(source, password, now, environ)


def _signed_by_program(path: str, words: Sequence[str]) -> Certificate:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from entrakit.certificates.public_keys import not_rsa
    from entrakit.certificates.reading.files import read_public_certificate
    from entrakit.certificates.signers.command import CommandKey

    certificate, chain = read_public_certificate(path)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise not_rsa(key, "The key of the certificate")
    return Certificate(certificate, CommandKey(tuple(words), key.key_size // 8), chain)


def _from_stores(
    source: Mapping[str, str], password: Secret | None, now: float, environ: Mapping[str, str]
) -> Certificate:
    from entrakit.certificates.stores.available import stores_named, token_stores, usual_stores
    from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint, find_first

    store, module = source.get("store", ""), source.get("module", "")
    if "uri" in source:
        from entrakit.certificates.stores.pkcs11_uri import parse_uri

        uri = parse_uri(source["uri"])
        tokens = token_stores(module or uri.module_path, _pin_of(uri, environ) or password, environ, uri)
        return find_first(f"at {source['uri'].partition('?')[0]}", tokens, now=now)
    stores = stores_named(store, module, password, environ) if store or module else usual_stores()
    if "thumbprint" in source:
        return find_by_thumbprint(source["thumbprint"], stores)
    return find_by_name(source["name"], stores, now=now)


def _from_key_vault(source: Mapping[str, str], open_connection: OpenConnection | None) -> Certificate | Secret:
    from entrakit.certificates.signers.key_vault import KeyVault

    if "vault" not in source:
        raise ParameterError("No key vault was named.", remedy="Give its name or https address with `key_vault`.")
    if open_connection is None or not source.get("vault_connection"):
        raise ParameterError(
            "To read from a key vault, you need a saved connection that is allowed to use it.",
            remedy="Name it with `key_vault_connection`.",
        )
    key_vault = KeyVault(source["vault"], source["vault_connection"], open_connection)
    if "vault_certificate" in source:
        return Certificate(*key_vault.certificate(source["vault_certificate"]))
    if "vault_key" in source and "path" not in source:
        raise ParameterError(
            "A key of a key vault signs for a certificate, and none was named.",
            remedy="Name the file of the certificate with `certificate_path`.",
        )
    if "vault_key" in source:
        from entrakit.certificates.reading.files import read_public_certificate

        certificate, _ = read_public_certificate(source["path"])
        return Certificate(certificate, key_vault.key(source["vault_key"]))
    secret = key_vault.secret(source["vault_secret"])
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
