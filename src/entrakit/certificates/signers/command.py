"""A program that signs: for keys that nothing else here reaches.

It gets the bytes to sign on its standard input and gives the PS256 signature (RFC 7518, 3.5) on its standard output,
as bytes or as base64. It runs without a shell, with our secrets taken out of its environment.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.certificates import Certificate
from entrakit.errors import CertificateError
from entrakit.tokens import base64url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_S = 60.0
MAX_COMPLAINT = 300


class CommandKey(NamedTuple):
    """A key that a program signs with.

    Args:
        words: The program and its arguments; no secret belongs there, since others see them.
        size: Bytes of a signature.
    """

    words: tuple[str, ...]
    size: int

    def sign(self, message: bytes) -> bytes:
        """Return the signature that the program gives.

        Raises:
            CertificateError: It can't be run, fails, takes longer than a minute, or gives no signature.
        """
        name = os.path.basename(self.words[0])
        code, output, complaint = self._run(name, message)
        if code != 0:
            raise CertificateError(
                f"The program {name!r} that signs failed with code {code}{f': {complaint}' if complaint else ''}.",
                remedy="Try it by itself: it gets bytes on standard input and gives their signature.",
            )
        signature = _decoded(output, self.size)
        if signature is None:
            raise CertificateError(
                f"The program {name!r} gave {len(output)} bytes, and a signature has {self.size}.",
                remedy="It must give the PS256 signature as bytes or as base64, and nothing else.",
            )
        return signature

    def _run(self, name: str, message: bytes) -> tuple[int, bytes, str]:
        """Return the program's exit code, its output and the beginning of its complaint."""
        import subprocess

        from entrakit.redaction import redact, without_secrets

        try:
            process = subprocess.Popen(  # noqa: S603 - the caller's own program, without a shell
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=without_secrets(os.environ),
            )  # fmt: skip
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a word of it can't be one"
            raise CertificateError(
                f"The program {name!r} that signs can't be run: {reason}.", remedy="Check its path."
            ) from error
        with process:
            try:
                output, complaint = process.communicate(message, timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise CertificateError(
                    f"The program {name!r} that signs took longer than {TIMEOUT_S:g} seconds.",
                    remedy="Try it by itself.",
                ) from error
        return process.returncode, output, redact(complaint.decode("utf-8", "replace").strip())[:MAX_COMPLAINT]


def with_command(path: str, words: Sequence[str]) -> Certificate:
    """Return the certificate of a file, signed for by a program.

    Args:
        path: PEM or DER file with the certificate, and its chain if that is to be sent; no key is needed.
        words: The program and its arguments.

    Raises:
        CertificateError: The file can't be read, or has no certificate with an RSA key.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from entrakit.certificates.reading.files import public_part
    from entrakit.certificates.signers.software import not_rsa

    certificate, chain = public_part(path)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise not_rsa(key, "The key of the certificate")
    return Certificate(certificate, CommandKey(tuple(words), key.key_size // 8), chain)


def _decoded(output: bytes, size: int) -> bytes | None:
    if len(output) == size:
        return output
    try:
        decoded = base64url.decode(b"".join(output.split()).decode("ascii"))
    except ValueError:
        return None
    return decoded if len(decoded) == size else None
