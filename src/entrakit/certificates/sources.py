"""From where a certificate was said to be, to the certificate: file, store, token, or file and command.

{"path": …}                     a file with certificate and key
{"path": …, "command": […]}     a file with the certificate, and a program that signs
{"thumbprint": …} {"name": …}   the usual stores, or the ones that "store" and "module" name
{"uri": "pkcs11:…"}             a token
    {"vault": …, "vault_certificate": …, "vault_connection": …}    a certificate whose key signs in a key vault
    {"vault": …, "vault_key": …, "path": …, "vault_connection": …} a file with the certificate, a key there
    {"vault": …, "vault_secret": …, "vault_connection": …}         what is fetched from there
"""

from __future__ import annotations

import json
import os
import sys

from entrakit.certificates import Certificate
from entrakit.errors import CertificateError, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.certificates.signers.key_vault import Reach
    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.certificates.stores.store import CertificateStore
    from entrakit.secret import Secret

KINDS = ("directory", "dotnet", "keychain", "pkcs11", "windows")
SCOPES = ("user", "computer")


def proof_from(
    origin: Mapping[str, str], password: Secret | None, now: float, environ: Mapping[str, str] = os.environ,
    reach: Reach | None = None,
) -> Certificate | Secret:  # fmt: skip
    """Return the certificate that an origin names, or the client secret that a key vault holds in its place.

    Args:
        origin: As above.
        password: Opens the file, or the token; None if it needs none.
        now: Seconds since 1970.
        environ: The environment.
        reach: Opens the connection that authenticates at a key vault.

    Raises:
        CertificatePasswordError: A password or PIN is needed, and there is none.
        CertificateError: There is none, or it can't be used.
        ParameterError: Thumbprint, name, store, module or URI can't be one.
    """
    from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint, find_first

    if any(part.startswith("vault") for part in origin):
        return _from_key_vault(origin, reach)
    opens = password.reveal() if password else None
    if "command" in origin:
        from entrakit.certificates.signers.command import with_command

        return with_command(origin["path"], json.loads(origin["command"]))
    if "path" in origin:
        return Certificate.from_path(origin["path"], opens)
    if "uri" in origin:
        from entrakit.certificates.stores.pkcs11_uri import parse_uri

        uri = parse_uri(origin["uri"])
        pin = _pin_of(uri, environ) or password
        module = origin.get("module", "") or uri.module_path
        return find_first(f"at {origin['uri'].partition('?')[0]}", token_stores(module, pin, environ, uri), now=now)
    stores = None
    if origin.get("store") or origin.get("module"):
        stores = stores_of(origin.get("store", ""), origin.get("module", ""), password, environ)
    if "thumbprint" in origin:
        return find_by_thumbprint(origin["thumbprint"], stores)
    return find_by_name(origin["name"], stores, now=now)


def _from_key_vault(origin: Mapping[str, str], reach: Reach | None) -> Certificate | Secret:
    from entrakit.certificates.signers.key_vault import KeyVault

    if "vault" not in origin:
        raise ParameterError("No key vault was named.", remedy="Give its name or URL with `key_vault`.")
    if reach is None or not origin.get("vault_connection"):
        raise ParameterError(
            "A key vault needs a connection that may read it.",
            remedy="Name a saved connection with `key_vault_connection`.",
        )
    vault = KeyVault(origin["vault"], origin["vault_connection"], reach)
    if "vault_certificate" in origin:
        return vault.certificate(origin["vault_certificate"])
    if "vault_key" in origin and "path" not in origin:
        raise ParameterError(
            "A key of a key vault signs for a certificate, and none was named.",
            remedy="Name its file with `certificate_path`.",
        )
    if "vault_key" in origin:
        from cryptography.hazmat.primitives.serialization import Encoding

        from entrakit.certificates.reading.files import public_part

        certificate, _ = public_part(origin["path"])
        return vault.key_for(origin["vault_key"], certificate.public_bytes(Encoding.DER))
    return vault.secret(origin["vault_secret"])


def stores_of(
    which: str,
    module: str = "",
    pin: Secret | None = None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> list[CertificateStore]:
    """Return the stores that were chosen.

    Args:
        which: A kind (`directory`, `dotnet`, `windows`, `keychain`, `pkcs11`), `user` or `computer`; empty for
            tokens if there is a module, else for all but tokens.
        module: PKCS#11 module; empty for those that are configured.
        pin: Opens tokens; None to look at what shows without.
        environ: The environment.
        platform: The operating system, as `sys.platform` calls it.

    Raises:
        ParameterError: There is no such store, here or anywhere.
    """
    from entrakit.certificates.stores.store import usual_stores

    if which == "pkcs11" or (module and not which):
        from entrakit.certificates.stores.pkcs11_uri import ANY

        return token_stores(module, pin, environ, ANY)
    if which and which not in KINDS + SCOPES:
        raise ParameterError(
            f"There is no certificate store {which!r}.", remedy=f"Choose one of {', '.join(KINDS + SCOPES)}."
        )
    if module:
        raise ParameterError("A PKCS#11 module goes with the store pkcs11.", remedy="Leave one of them out.")
    found = [store for store in usual_stores(environ, platform) if which in ("", store.kind, store.scope)]
    if not found:
        raise ParameterError(
            f"This machine has no certificate store {which!r}.", remedy="List the stores with `offers()`."
        )
    return found


def token_stores(module: str, pin: Secret | None, environ: Mapping[str, str], uri: Pkcs11Uri) -> list[CertificateStore]:
    """Return the tokens of a module, or of all that are configured, as stores.

    Raises:
        ParameterError: There is no such module.
        CertificateError: No module is configured.
    """
    from entrakit.certificates.stores.pkcs11 import TokenStore
    from entrakit.certificates.stores.pkcs11_modules import configured_modules, named_module

    modules = [named_module(module)] if module else configured_modules(environ)
    if uri.module_name:
        modules = [
            one for one in modules if uri.module_name in (one.name, os.path.basename(one.path).partition(".")[0])
        ]
    if not modules:
        raise CertificateError(
            "No PKCS#11 module is configured that fits.",
            remedy="Name one with `pkcs11_module`, or install the package of the token.",
        )
    return [TokenStore(one, uri, pin) for one in modules]


def _pin_of(uri: Pkcs11Uri, environ: Mapping[str, str]) -> Secret | None:
    """Return the PIN from where a URI says it is; None if it says nothing."""
    from entrakit.secret import Secret

    source = uri.pin_source
    if not source:
        return None
    if source.startswith("env:"):
        return Secret.from_env(source[4:], environ)
    if source.startswith("|"):
        raise ParameterError(
            "pin-source names a program, and entrakit runs none for a PIN.",
            remedy="Name a file: pin-source=file:/path.",
        )
    return Secret.from_file(source.removeprefix("file://").removeprefix("file:"))
