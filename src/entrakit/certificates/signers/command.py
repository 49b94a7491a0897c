"""A signer that runs a program, for keys that entrakit can't reach itself.

The program reads the bytes to sign from its standard input and writes the PS256 signature (RFC 7518, 3.5) to its
standard output, as bytes or as base64. It runs without a shell. Secrets are removed from its environment.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.errors import CertificateError
from entrakit.files.programs import ProgramError, run
from entrakit.tokens import base64url

TIMEOUT_S = 60.0
_REMEDIES = {
    "start": "Check the path of the program.",
    "slow": "Run the program alone to see what it waits for.",
    "long": "The program must write the PS256 signature as bytes or as base64, and nothing else.",
}


class CommandKey(NamedTuple):
    """A key that signs through a program.

    Args:
        words: The program and its arguments. They must not contain secrets, because other users can see them.
        size: Length of a signature in bytes.
    """

    words: tuple[str, ...]
    size: int

    def sign(self, message: bytes) -> bytes:
        """Return the signature that the program writes.

        Raises:
            CertificateError: The program can't be started, fails, runs for more than a minute, writes more than 64 KiB,
                or writes something that is not a signature.
        """
        name = os.path.basename(self.words[0])
        try:
            # A signature in base64 has less than 4 KiB.
            finished = run(self.words, message, timeout_s=TIMEOUT_S)
        except ProgramError as error:
            raise CertificateError(
                f"The signing program {name!r} {error.problem}.", remedy=_REMEDIES[error.kind]
            ) from error
        output, stderr = finished.output, finished.complaint()
        if finished.code != 0:
            raise CertificateError(
                f"The signing program {name!r} failed with code {finished.code}{f': {stderr}' if stderr else ''}.",
                remedy="Run the program alone: it must read bytes from standard input and write their signature.",
            )
        signature = _decoded(output, self.size)
        if signature is None:
            raise CertificateError(
                f"The signing program {name!r} wrote {len(output)} bytes, but a signature has {self.size}.",
                remedy=_REMEDIES["long"],
            )
        return signature


def _decoded(output: bytes, size: int) -> bytes | None:
    if len(output) == size:
        return output
    try:
        decoded = base64url.decode(b"".join(output.split()).decode("ascii"))
    except ValueError:
        return None
    return decoded if len(decoded) == size else None
