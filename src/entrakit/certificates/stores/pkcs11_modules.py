"""Which PKCS#11 modules this machine has, as p11-kit's configuration says (pkcs11.conf(5)).

    ~/.config/pkcs11/modules/*.module    the user's
    /etc/pkcs11/modules/*.module         the administrator's
    /usr/share/p11-kit/modules/*.module  those of packages

A file of one name in an earlier directory takes the place of the later ones. No module is loaded here.
"""

from __future__ import annotations

import os
from glob import glob
from typing import NamedTuple

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SYSTEM = ("/etc/pkcs11/modules", "/usr/share/p11-kit/modules", "/opt/homebrew/etc/pkcs11/modules")
# Where a module that is named without a path is; p11-kit has one such directory, which differs between systems.
LIBRARIES = ("/usr/lib/*/pkcs11", "/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/local/lib/pkcs11",
             "/opt/homebrew/lib/pkcs11")  # fmt: skip
PROGRAM = "entra"
MAX_FILE = 64 * 1024


class Module(NamedTuple):
    """One PKCS#11 module.

    Args:
        name: Its name, as its configuration file or its own file is called.
        path: Its file.
    """

    name: str
    path: str


def configured_modules(environ: Mapping[str, str], system: Sequence[str] = SYSTEM) -> list[Module]:
    """Return the modules that are configured for this machine and user, and whose files are there.

    Args:
        environ: The environment.
        system: Directories of configuration files, beside the user's own.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    own = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pkcs11", "modules")
    files: dict[str, str] = {}
    for directory in (own, *system):
        for file in sorted(glob(os.path.join(glob_safe(directory), "*.module"))):
            files.setdefault(os.path.basename(file), file)
    modules: dict[str, Module] = {}
    for file in files.values():
        module = _module_of(file)
        if module is not None:
            modules.setdefault(os.path.realpath(module.path), module)
    return list(modules.values())


def named_module(path: str) -> Module:
    """Return the module of a file that was named.

    Args:
        path: The file; a bare name is looked for where modules are.

    Raises:
        ParameterError: There is no such file.
    """
    found = _library(os.path.expanduser(path))
    if found is None:
        raise ParameterError(
            f"There is no PKCS#11 module {path!r}.", remedy="Name the file of the module, such as its .so file."
        )
    return Module(os.path.basename(found).partition(".")[0], found)


def glob_safe(path: str) -> str:
    """Return a path in which nothing is a pattern."""
    from glob import escape

    return escape(path)


def _module_of(file: str) -> Module | None:
    """Return the module that a configuration file names, if it is meant for programs like this one."""
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
    # Trust modules hold the CA certificates of the system and no key.
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
    candidates = [found for pattern in LIBRARIES for found in glob(os.path.join(pattern, glob_safe(path)))]
    return next(iter(candidates), None)
