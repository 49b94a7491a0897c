"""Sources of credentials: where a renewal reads a secret, a password or a certificate again.

    Environment, File, Once                    of a secret or a password; `Once` can't be read a second time
    CertificateFile, SignedByProgram           a file with certificate and key; with a program instead of the key
    InStore, OnToken                           a certificate store of the system; a PKCS#11 token
    InKeyVault                                 a certificate, a key or a secret in Azure Key Vault
    Once.ARGUMENT                              a certificate that the program passed

A saved connection contains the saved form of its source, a mapping of strings. `parse` reads it, and `saved` writes it;
its names have not changed since 0.1.0. "vault" means Azure Key Vault in it.
"""

from __future__ import annotations

import json
import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from entrakit import paths

if TYPE_CHECKING:
    from collections.abc import Mapping


class Once(Enum):
    """A source that gives its value one time only."""

    ARGUMENT = "argument"
    PROMPT = "prompt"
    STANDARD_INPUT = "stdin"


class Environment(NamedTuple):
    """An environment variable.

    Args:
        variable: Its name.
    """

    variable: str


class File(NamedTuple):
    """A file with a secret or a password.

    Args:
        path: Its path.
    """

    path: str


SecretSource: TypeAlias = Once | Environment | File


class CertificateFile(NamedTuple):
    """A PFX or PEM file with a certificate and its key.

    Args:
        path: Its path.
        password: Source of its password; None if it has none.
        thumbprint: Thumbprint of the certificate, if the file has several with their keys; else None.
    """

    path: str
    password: SecretSource | None = None
    thumbprint: str | None = None


class SignedByProgram(NamedTuple):
    """A file with a certificate, and a program that signs with its key.

    Args:
        path: Path of the file.
        command: Program and arguments.
        password: Source of the password of the file; None if it has none.
    """

    path: str
    command: tuple[str, ...]
    password: SecretSource | None = None


class InStore(NamedTuple):
    """A certificate in a certificate store, named by its thumbprint or by its subject or common name.

    Args:
        thumbprint: Its thumbprint; None to find it by its name.
        name: Its name; None to find it by its thumbprint.
        store: The only kind of store to look in; empty for the usual ones.
        module: PKCS#11 module; empty for those of p11-kit.
        password: Source of the PIN; None if there is none.
    """

    thumbprint: str | None = None
    name: str | None = None
    store: str = ""
    module: str = ""
    password: SecretSource | None = None


class OnToken(NamedTuple):
    """A certificate on a PKCS#11 token.

    Args:
        uri: Its PKCS#11 URI (RFC 7512).
        module: PKCS#11 module; empty for those of p11-kit.
        password: Source of the PIN; None if there is none.
    """

    uri: str
    module: str = ""
    password: SecretSource | None = None


class InKeyVault(NamedTuple):
    """A certificate, a key or a secret in Azure Key Vault; exactly one of the three is named.

    Args:
        vault: Name or https address of the key vault.
        connection: Name of the saved connection that may use it.
        certificate: Name of the certificate, whose key signs in the key vault.
        secret: Name of the secret: a certificate with its key, or a client secret.
        key: Name of the key that signs for the certificate of `path`.
        path: File of that certificate; empty without a key.
    """

    vault: str
    connection: str
    certificate: str | None = None
    secret: str | None = None
    key: str | None = None
    path: str = ""


CertificateSource: TypeAlias = CertificateFile | SignedByProgram | InStore | OnToken | InKeyVault


def secret_source(text: str) -> SecretSource:
    """Return the source that `Secret.origin` describes: `argument`, `prompt`, `stdin`, `env:NAME` or `file:/path`."""
    kind, _, place = text.partition(":")
    if kind == "env":
        return Environment(place)
    if kind == "file":
        return File(place)
    return next((one for one in Once if one.value == kind), Once.ARGUMENT)


def certificate_source(saved: Mapping[str, str]) -> CertificateSource | None:
    """Return the source of a certificate from its saved form; None if the program passed the certificate."""
    get, path = saved.get, saved.get("path", "")
    password = secret_source(saved["password"]) if "password" in saved else None
    if any(part.startswith("vault") for part in saved):
        names = (get("vault_certificate"), get("vault_secret"), get("vault_key"))
        return InKeyVault(get("vault", ""), get("vault_connection", ""), *names, path)
    if "command" in saved:
        return SignedByProgram(path, tuple(str(word) for word in json.loads(saved["command"])), password)
    if path:
        return CertificateFile(path, password, get("thumbprint"))
    if "uri" in saved:
        return OnToken(saved["uri"], get("module", ""), password)
    if saved.keys() & {"thumbprint", "name"}:
        return InStore(get("thumbprint"), get("name"), get("store", ""), get("module", ""), password)
    return None


def saved_form(source: CertificateSource | None) -> tuple[tuple[str, str], ...]:
    """Return the saved form of the source of a certificate; `certificate_source` reads it."""
    if source is None:
        return (("certificate", Once.ARGUMENT.value),)
    prefix = "vault_" if isinstance(source, InKeyVault) else ""
    form: dict[str, str] = {}
    for field, value in source._asdict().items():
        if field == "command":
            form[field] = json.dumps(value)
        elif field == "password" and value is not None:
            form[field] = saved_secret(value)
        elif value:
            form[field if field in ("path", "vault") else prefix + field] = value
    return tuple(form.items())


def saved_secret(source: SecretSource) -> str:
    """Return the saved form of the source of a secret; `secret_source` reads it."""
    if isinstance(source, Environment):
        return f"env:{source.variable}"
    return f"file:{source.path}" if isinstance(source, File) else source.value


def absolute(source: CertificateSource) -> CertificateSource:
    """Return a source with absolute paths, so that a process in another directory finds the same files."""
    changes: dict[str, object] = {}
    path, module, command = (getattr(source, field, "") for field in ("path", "module", "command"))
    if path:
        changes["path"] = paths.absolute(path)
    if module and os.sep in module:
        changes["module"] = paths.absolute(module)
    if command and os.sep in command[0]:
        changes["command"] = (paths.absolute(command[0]), *command[1:])
    return source._replace(**changes)  # type: ignore[arg-type] # each field keeps its type
