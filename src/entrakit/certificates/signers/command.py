"""A signer that runs a program, for keys that entrakit can't reach itself.

The program reads the bytes to sign from its standard input and writes the PS256 signature (RFC 7518, 3.5) to its
standard output, as bytes or as base64. It runs without a shell. Secrets are removed from its environment.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.errors import CertificateError
from entrakit.tokens import base64url

TIMEOUT_S = 60.0
MAX_STDERR = 300


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
            CertificateError: The program can't be started, fails, runs for more than a minute, or writes something that
                is not a signature.
        """
        name = os.path.basename(self.words[0])
        code, output, stderr = self._run(name, message)
        if code != 0:
            raise CertificateError(
                f"The signing program {name!r} failed with code {code}{f': {stderr}' if stderr else ''}.",
                remedy="Run the program alone: it must read bytes from standard input and write their signature.",
            )
        signature = _decoded(output, self.size)
        if signature is None:
            raise CertificateError(
                f"The signing program {name!r} wrote {len(output)} bytes, but a signature has {self.size}.",
                remedy="The program must write the PS256 signature as bytes or as base64, and nothing else.",
            )
        return signature

    def _run(self, name: str, message: bytes) -> tuple[int, bytes, str]:
        """Return exit code, output, and the beginning of the error output."""
        import subprocess

        from entrakit.redaction import redact, without_secrets

        try:
            process = subprocess.Popen(  # noqa: S603 - the user chose the program, and it runs without a shell
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=without_secrets(os.environ),
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "an argument contains an invalid character"
            raise CertificateError(
                f"The signing program {name!r} can't be started: {reason}.", remedy="Check the path of the program."
            ) from error
        with process:
            try:
                output, stderr = process.communicate(message, timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise CertificateError(
                    f"The signing program {name!r} took longer than {TIMEOUT_S:g} seconds.",
                    remedy="Run the program alone to see what it waits for.",
                ) from error
        return process.returncode, output, redact(stderr.decode("utf-8", "replace").strip())[:MAX_STDERR]


def _decoded(output: bytes, size: int) -> bytes | None:
    if len(output) == size:
        return output
    try:
        decoded = base64url.decode(b"".join(output.split()).decode("ascii"))
    except ValueError:
        return None
    return decoded if len(decoded) == size else None
