"""PKCS#11 modules of this machine, from the configuration of p11-kit (pkcs11.conf(5)).

    ~/.config/pkcs11/modules/*.module    modules of the user
    /etc/pkcs11/modules/*.module         modules of the administrator
    /usr/share/p11-kit/modules/*.module  modules of packages

A file in an earlier directory replaces files with the same name in later ones. This file loads no module.
"""

from __future__ import annotations

import os
from glob import escape, glob
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ParameterError
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SYSTEM = ("/etc/pkcs11/modules", "/usr/share/p11-kit/modules", "/opt/homebrew/etc/pkcs11/modules")
# Directories of modules that are named without a path; p11-kit has one, which differs between systems.
LIBRARIES = (
    *("/usr/lib/*/pkcs11", "/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/local/lib/pkcs11"),
    "/opt/homebrew/lib/pkcs11",
)
PROGRAM = "entra"
MAX_FILE = 64 * 1024


class Module(NamedTuple):
    """A PKCS#11 module.

    Args:
        name: Name of its configuration file, or of the module's file.
        path: File of the module.
    """

    name: str
    path: str


def configured_modules(environ: Mapping[str, str], system: Sequence[str] = SYSTEM) -> list[Module]:
    """Return the modules that are configured for this machine and user. Modules without a file are left out.

    Args:
        environ: The environment.
        system: Directories of configuration files, in addition to the one of the user.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    own = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pkcs11", "modules")
    files: dict[str, str] = {}
    for directory in (own, *system):
        for file in sorted(glob(os.path.join(escape(directory), "*.module"))):
            files.setdefault(os.path.basename(file), file)
    modules: dict[str, Module] = {}
    for file in files.values():
        module = _module_of(file)
        if module is not None:
            modules.setdefault(os.path.realpath(module.path), module)
    return list(modules.values())


def named_module(path: str) -> Module:
    """Return the module in a file.

    Args:
        path: The file; `~` is expanded. A name without a directory is searched in the usual directories.

    Raises:
        ParameterError: The file does not exist, or is relative to a working directory that does not.
    """
    found = _library(os.path.expanduser(path))
    if found is None:
        if os.sep in path:
            # If the working directory does not exist any more, the error says so.
            absolute(path)
        raise ParameterError(
            f"The PKCS#11 module {path!r} {'is not a file' if os.path.exists(path) else 'does not exist'}.",
            remedy="Name the file of the module, such as a .so file.",
        )
    return Module(os.path.basename(found).partition(".")[0], found)


def _module_of(file: str) -> Module | None:
    """Return the module of a configuration file; None if the module is not for this program or has no file."""
    options: dict[str, str] = {}
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            lines = stream.read(MAX_FILE).splitlines()
    except OSError:
        return None
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and not line.lstrip().startswith("#"):
            options[name.strip()] = value.strip()
    enabled, disabled = options.get("enable-in"), options.get("disable-in", "")
    # Trust modules contain CA certificates and no keys.
    if options.get("trust-policy") == "yes" or PROGRAM in _words(disabled):
        return None
    if enabled is not None and PROGRAM not in _words(enabled):
        return None
    path = _library(options.get("module", ""))
    return Module(os.path.basename(file).removesuffix(".module"), path) if path else None


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _library(path: str) -> str | None:
    if not path:
        return None
    if os.path.isabs(path) or os.sep in path:
        return os.path.abspath(path) if os.path.isfile(path) else None
    candidates = [found for pattern in LIBRARIES for found in glob(os.path.join(pattern, escape(path)))]
    return next(iter(candidates), None)
