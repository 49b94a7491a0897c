r"""Directories of certificate files as stores, and which stores a machine has.

    user       ~/.dotnet/corefx/cryptography/x509stores/my      .NET's CurrentUser\My, where PowerShell on Linux looks
               ~/.config/entrakit/certificates                  our own; below XDG_CONFIG_HOME or ENTRAKIT_HOME if set
    computer   /etc/entrakit/certificates                       or what ENTRAKIT_MACHINE_CERTIFICATES names

Their files are PFX, PEM or DER without a password: there is nobody to ask for one. The directories of .NET hold PFX.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.certificates.reading.files import open_file, read_file
from entrakit.certificates.reading.glance import glance
from entrakit.certificates.stores.store import Found
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrakit.certificates.stores.store import CertificateStore

ENDINGS = (".pfx", ".p12", ".pem", ".crt", ".cer", ".der")
DOTNET = os.path.join(".dotnet", "corefx", "cryptography", "x509stores", "my")
COMPUTER = "/etc/entrakit/certificates"


class DirectoryStore(NamedTuple):
    """A directory of certificate files; what can't be read is told and never hides what can.

    Args:
        path: The directory; it need not exist.
        scope: `user` or `computer`.
        kind: `directory`, or `dotnet` for those of .NET.
    """

    path: str
    scope: str
    kind: str = "directory"

    @property
    def name(self) -> str:
        """The directory, and whose it is."""
        return f"{self.path} ({self.scope})"

    def contents(self) -> Iterator[Found]:
        """Return what its files hold, in the order of their names."""
        try:
            names = sorted(os.listdir(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            yield Found(self.path, None, f"Can't read the directory {self.path}: {error.strerror}.")
            return
        for name in names:
            if name.lower().endswith(ENDINGS):
                yield _found(os.path.join(self.path, name))


def user_stores(environ: Mapping[str, str], platform: str) -> list[CertificateStore]:
    """Return the user's stores.

    Args:
        environ: The environment to look variables up in.
        platform: The operating system, as `sys.platform` calls it.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    own = environ.get("ENTRAKIT_HOME") or os.path.join(
        environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "entrakit"
    )
    return [
        *_native("user", platform),
        DirectoryStore(os.path.join(home, DOTNET), "user", "dotnet"),
        DirectoryStore(os.path.join(os.path.abspath(os.path.expanduser(own)), "certificates"), "user"),
    ]


def computer_stores(environ: Mapping[str, str], platform: str) -> list[CertificateStore]:
    """Return the computer's stores; arguments as for `user_stores`."""
    path = environ.get("ENTRAKIT_MACHINE_CERTIFICATES") or COMPUTER
    return [
        *_native("computer", platform),
        DirectoryStore(os.path.abspath(os.path.expanduser(path)), "computer"),
    ]


def _native(scope: str, platform: str) -> list[CertificateStore]:
    """Return the operating system's own store of a scope."""
    if platform == "win32":
        from entrakit.certificates.stores.windows import WindowsStore

        return [WindowsStore(scope)]
    if platform == "darwin":
        from entrakit.certificates.stores.macos import KeychainStore

        return [KeychainStore(scope)]
    return []


def _found(path: str) -> Found:
    place = path if path.isprintable() else ascii(path)
    try:
        data, source, is_exposed = read_file(path, in_store=True)
        certificate = glance(data, source)
    except CertificateError as error:
        return Found(place, None, error.problem)
    return Found(
        place, certificate, "", path if is_exposed else "", is_exportable=True,
        open=lambda: open_file(path, None).certificate,
    )  # fmt: skip
