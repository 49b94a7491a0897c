"""A signer that runs a program, for keys that entrakit can't reach itself.

The program reads the bytes to sign from its standard input and writes the PS256 signature (RFC 7518, 3.5) to its
standard output, as bytes or as base64. It runs without a shell. Secrets are removed from its environment.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from entrakit.errors import CertificateError
from entrakit.shown_text import one_line
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from subprocess import Popen

TIMEOUT_S = 60.0
# A signature in base64 has less than 4 KiB.
MAX_OUTPUT = 64 * 1024
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
            CertificateError: The program can't be started, fails, runs for more than a minute, writes more than 64 KiB,
                or writes something that is not a signature.
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
        from entrakit.redaction import redact
        from entrakit.secret import without_secrets

        try:
            process = subprocess.Popen(  # noqa: S603 - the user chose the program, and it runs without a shell
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=without_secrets(os.environ),
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "an argument contains an invalid character"
            raise CertificateError(
                f"The signing program {name!r} can't be started: {reason}.", remedy="Check the path of the program."
            ) from error
        with process:
            output, stderr = _exchange(process, name, message)
        return process.returncode, output, redact(one_line(stderr.decode("utf-8", "replace")))[:MAX_STDERR]


class _Output(threading.Thread):
    """One output of a program. A program that writes more than `MAX_OUTPUT` bytes is killed.

    Args:
        process: The program.
        stream: The output.
    """

    def __init__(self, process: Popen[bytes], stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.data = b""
        self._process = process
        self._stream = stream
        self.start()

    @property
    def is_too_long(self) -> bool:
        """Whether the program was killed."""
        return len(self.data) > MAX_OUTPUT

    def run(self) -> None:
        """Read until the end of the output, or until it is too long."""
        # The stream is closed if the program takes too long.
        with suppress(OSError, ValueError):
            while part := self._stream.read(MAX_OUTPUT):
                self.data += part
                if self.is_too_long:
                    self._process.kill()
                    return


def _exchange(process: Popen[bytes], name: str, message: bytes) -> list[bytes]:
    """Send a message to a program, wait for its end, and return its output and its error output.

    Raises:
        CertificateError: The program takes too long or writes too much. It is killed.
    """
    outputs = [_Output(process, stream) for stream in (process.stdout, process.stderr) if stream is not None]
    sender = threading.Thread(target=_send, args=(process, message), daemon=True)
    sender.start()
    end = time.monotonic() + TIMEOUT_S
    for one in (*outputs, sender):
        one.join(max(0.0, end - time.monotonic()))
    if any(one.is_too_long for one in outputs):
        raise CertificateError(
            f"The signing program {name!r} wrote more than {MAX_OUTPUT // 1024} KiB.",
            remedy="The program must write the PS256 signature as bytes or as base64, and nothing else.",
        )
    try:
        process.wait(max(0.0, end - time.monotonic()))
        is_late = any(one.is_alive() for one in outputs)
    except subprocess.TimeoutExpired:
        is_late = True
    if is_late:
        process.kill()
        raise CertificateError(
            f"The signing program {name!r} took longer than {TIMEOUT_S:g} seconds.",
            remedy="Run the program alone to see what it waits for.",
        )
    return [one.data for one in outputs]


def _send(process: Popen[bytes], message: bytes) -> None:
    """Write a message to the input of a program. A program can end without reading it."""
    stream = cast("IO[bytes]", process.stdin)
    with suppress(OSError, ValueError):
        while message:
            message = message[stream.write(message) :]
    with suppress(OSError):
        stream.close()


def _decoded(output: bytes, size: int) -> bytes | None:
    if len(output) == size:
        return output
    try:
        decoded = base64url.decode(b"".join(output.split()).decode("ascii"))
    except ValueError:
        return None
    return decoded if len(decoded) == size else None
