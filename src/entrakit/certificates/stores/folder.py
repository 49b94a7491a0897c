"""Directories of certificate files as stores.

The files are PFX, PEM or DER without a password, because a search can't prompt for one. The directories of .NET contain
PFX files.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from entrakit.certificates import Certificate
from entrakit.certificates.reading.files import parse_certificates, read_file
from entrakit.certificates.reading.glance import glance
from entrakit.certificates.signers.software import SoftwareKey
from entrakit.certificates.stores.store import StoreItem
from entrakit.errors import CertificateError
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (".pfx", ".p12", ".pem", ".crt", ".cer", ".der")


class DirectoryStore(NamedTuple):
    """A directory of certificate files. An unreadable file is reported and does not hide the others.

    Args:
        path: The directory. It does not have to exist.
        scope: `user` or `computer`.
        kind: `directory`, or `dotnet` for a directory of .NET.
    """

    path: str
    scope: str
    kind: str = "directory"

    @property
    def name(self) -> str:
        """The directory and its scope."""
        return f"{self.path} ({self.scope})"

    def contents(self) -> Iterator[StoreItem]:
        """Yield the certificates of the files, in the order of the file names."""
        try:
            names = sorted(os.listdir(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            yield StoreItem(self.path, None, f"Can't read the directory {self.path}: {error.strerror}.")
            return
        for name in names:
            if name.lower().endswith(ENDINGS):
                yield from _items(os.path.join(self.path, name))


class UnopenedKey(NamedTuple):
    """The key of a file that was not opened, as a signer that refuses to sign.

    Args:
        place: The file.
    """

    place: str

    def sign(self, message: bytes) -> bytes:
        """Raise CertificateError: the file must be opened first."""
        del message
        raise CertificateError(f"The private key in {self.place} was not opened.")


def _items(path: str) -> list[StoreItem]:
    """Return an item for each certificate of a file that has a private key, or one with the reason why none has."""
    place = escaped(path)
    try:
        data, source, is_exposed = read_file(path, regular_only=True)
        certificates = [Certificate(one, UnopenedKey(place)) for one in glance(data, source)]
    except CertificateError as error:
        return [StoreItem(place, None, error.problem)]
    return [
        StoreItem(
            place,
            one,
            exposed_path=path if is_exposed else "",
            is_exportable=True,
            open=partial(_opened, path, one.der),
        )
        for one in certificates
    ]


def _opened(path: str, der: bytes) -> Certificate:
    """Return a certificate of a file, with its key."""
    data, source, _ = read_file(path)
    for found in parse_certificates(data, None, source=source):
        certificate = Certificate(found.certificate, SoftwareKey(found.private_key), found.chain)
        if certificate.der == der:
            return certificate
    raise CertificateError(f"Can't use {source}: it was replaced during the search.", remedy="Try again.")
