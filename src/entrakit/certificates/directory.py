"""A directory of certificate files as a store.

The user's is the one that .NET uses on Linux and macOS for CurrentUser/My: `~/.dotnet/corefx/cryptography/
x509stores/my`, PFX files without a password. The computer's is `/etc/entrakit/certificates`, or what
`ENTRAKIT_MACHINE_CERTIFICATES` names, PFX or PEM files. The stores of Windows and macOS themselves are not read yet;
their error says so.
"""

from __future__ import annotations

import os
import sys

from entrakit.certificates.files import load_file
from entrakit.certificates.stores import Found
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDINGS = (".pfx", ".p12", ".pem", ".crt", ".cer")
DOTNET = os.path.join(".dotnet", "corefx", "cryptography", "x509stores", "my")
COMPUTER = "/etc/entrakit/certificates"


class DirectoryStore:
    """A directory of certificate files; what can't be read is told and never hides what can.

    Args:
        path: The directory.
        scope: `user` or `computer`.
    """

    def __init__(self, path: str, scope: str) -> None:
        self.path = path
        self.name = f"{path} ({scope})"
        self.scope = scope

    def contents(self) -> Iterator[Found]:
        """Return what its files hold, by name."""
        try:
            names = sorted(os.listdir(self.path))
        except OSError:
            return
        for name in names:
            if name.lower().endswith(ENDINGS):
                place = os.path.join(self.path, name)
                try:
                    yield Found(place, load_file(place, None))
                except CertificateError as error:
                    yield Found(place, None, error.problem)


def user_store(environ: Mapping[str, str] = os.environ) -> DirectoryStore:
    """Return the user's store."""
    _refuse_native()
    home = environ.get("HOME") or os.path.expanduser("~")
    return DirectoryStore(os.path.join(home, DOTNET), "user")


def computer_store(environ: Mapping[str, str] = os.environ) -> DirectoryStore:
    """Return the computer's store."""
    return DirectoryStore(environ.get("ENTRAKIT_MACHINE_CERTIFICATES") or COMPUTER, "computer")


def _refuse_native() -> None:
    if sys.platform == "win32":
        raise CertificateError(
            "The certificate stores of Windows can't be read yet.", remedy="Name a PFX file with --certificate-path."
        )
