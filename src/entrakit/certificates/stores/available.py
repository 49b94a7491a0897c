r"""The certificate stores of a machine: those that are searched by default, those with a name, and PKCS#11 tokens.

    user       CurrentUser\My of Windows, or the keychains of the user on macOS
               ~/.dotnet/corefx/cryptography/x509stores/my      CurrentUser\My of .NET, which PowerShell on Linux uses
               ~/.config/entrakit/certificates                  below XDG_CONFIG_HOME or ENTRAKIT_HOME if set
    computer   LocalMachine\My of Windows, or the System keychain of macOS
               /etc/entrakit/certificates                       or the directory in ENTRAKIT_MACHINE_CERTIFICATES

Tokens are searched only if the caller selects them, because loading their modules can wait for hardware.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from entrakit.certificates.stores.folder import DirectoryStore
from entrakit.errors import CertificateError, ParameterError
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.certificates.stores.store import CertificateStore
    from entrakit.secret import Secret

KINDS = ("directory", "dotnet", "keychain", "pkcs11", "windows")
SCOPES = ("user", "computer")
DOTNET = os.path.join(".dotnet", "corefx", "cryptography", "x509stores", "my")
COMPUTER = "/etc/entrakit/certificates"


def usual_stores(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[CertificateStore]:
    """Return the stores that are searched by default: those of the user, then those of the computer.

    Args:
        environ: The environment.
        platform: The operating system, as in `sys.platform`.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    own = environ.get("ENTRAKIT_HOME") or os.path.join(
        environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "entrakit"
    )
    computer = environ.get("ENTRAKIT_MACHINE_CERTIFICATES") or COMPUTER
    return [
        *_system_stores("user", platform),
        DirectoryStore(os.path.join(home, DOTNET), "user", "dotnet"),
        DirectoryStore(os.path.join(absolute(own), "certificates"), "user"),
        *_system_stores("computer", platform),
        DirectoryStore(absolute(computer), "computer"),
    ]


def stores_named(
    name: str,
    module: str = "",
    pin: Secret | None = None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> list[CertificateStore]:
    """Return the stores with a name.

    Args:
        name: A kind (`directory`, `dotnet`, `windows`, `keychain`, `pkcs11`) or a scope (`user`, `computer`). Empty
            means tokens if a module is given, else all stores except tokens.
        module: File of a PKCS#11 module; empty for the configured modules.
        pin: PIN of the tokens; None to see only what a token shows without it.
        environ: The environment.
        platform: The operating system, as in `sys.platform`.

    Raises:
        ParameterError: The store does not exist on this machine, or the name is unknown.
        CertificateError: Tokens are requested, but no PKCS#11 module is configured.
    """
    if name == "pkcs11" or (module and not name):
        from entrakit.certificates.stores.pkcs11_uri import ANY

        return token_stores(module, pin, environ, ANY)
    if name and name not in KINDS + SCOPES:
        raise ParameterError(
            f"Unknown certificate store {name!r}.", remedy=f"Choose one of {', '.join(KINDS + SCOPES)}."
        )
    if module:
        raise ParameterError(
            "A PKCS#11 module requires the store pkcs11.", remedy="Leave out `certificate_store` or `pkcs11_module`."
        )
    stores = [store for store in usual_stores(environ, platform) if name in ("", store.kind, store.scope)]
    if not stores:
        kinds = sorted({store.kind for store in usual_stores(environ, platform)})
        raise ParameterError(
            f"This machine has no certificate store {name!r}.",
            remedy=f"Choose one of {', '.join((*kinds, 'pkcs11', *SCOPES))}.",
        )
    return stores


def token_stores(module: str, pin: Secret | None, environ: Mapping[str, str], uri: Pkcs11Uri) -> list[CertificateStore]:
    """Return the tokens of a PKCS#11 module, or of all configured modules, as stores.

    Args:
        module: File of the module; empty for the configured modules.
        pin: PIN of the tokens; None to see only what a token shows without it.
        environ: The environment.
        uri: Tokens and objects to search.

    Raises:
        ParameterError: The module does not exist.
        CertificateError: No suitable module is configured.
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
            "No suitable PKCS#11 module is configured.",
            remedy="Name a module with `pkcs11_module`, or install the package of the token.",
        )
    return [TokenStore(one, uri, pin) for one in modules]


def _system_stores(scope: str, platform: str) -> list[CertificateStore]:
    """Return the store of the operating system with a scope, if it has one."""
    if platform == "win32":
        from entrakit.certificates.stores.windows import WindowsStore

        return [WindowsStore(scope)]
    if platform == "darwin":
        from entrakit.certificates.stores.macos import KeychainStore

        return [KeychainStore(scope)]
    return []
