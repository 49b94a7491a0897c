"""Other programs on this machine: found on the absolute folders of `PATH`, and run without a shell, within limits.

The current directory is never searched, which Windows would do. A program does not inherit the secrets of this one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from entrakit.files.waits import reported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

MAX_OUTPUT = 64 * 1024
MAX_STDERR = 300
# Seconds between two looks at the outputs.
LOOK_S = 0.1


class ProgramError(Exception):
    """A program could not be run to its end.

    Args:
        kind: `start` if it can't be started, `slow` if it took too long, `long` if it wrote too much.
        problem: Its failure, as the rest of a sentence: `took longer than 60 seconds`.
    """

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind
        self.problem = problem


class Finished(NamedTuple):
    """Result of a program.

    Args:
        code: Exit code.
        output: Standard output.
        errors: Standard error, at most 64 KiB.
    """

    code: int
    output: bytes
    errors: bytes

    def complaint(self) -> str:
        """Return the beginning of standard error, with secrets masked."""
        from entrakit.redaction import redact
        from entrakit.shown_text import one_line

        return redact(one_line(self.errors.decode("utf-8", "replace")))[:MAX_STDERR]


def find_program(names: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the path of a program; None if no absolute folder of `PATH` has it.

    Args:
        names: Its file names, the preferred one first.
        environ: Environment variables.
    """
    folders = [folder.strip('"') for folder in environ.get("PATH", "").split(os.pathsep)]
    for name in names:
        for folder in filter(os.path.isabs, folders):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


def run(
    words: Sequence[str],
    message: bytes = b"",
    *,
    timeout_s: float,
    environ: Mapping[str, str] = os.environ,
    is_apart: bool = False,
) -> Finished:
    """Run a program, and return its exit code and outputs.

    Args:
        words: The program and its arguments. They must not contain secrets, because other users can see them.
        message: Its standard input.
        timeout_s: Maximum seconds that it may take. After that it is killed.
        environ: Environment variables; those that hold a secret are left out.
        is_apart: Whether it runs in its own folder and without the terminal, so that it can't ask the user, and is
            killed with the programs that it has started.

    Raises:
        ProgramError: It can't be started, takes too long, or writes more than 64 KiB.
    """
    from entrakit.secret import without_secrets

    try:
        process = subprocess.Popen(  # noqa: S603 - no shell
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=without_secrets(environ),
            cwd=os.path.dirname(words[0]) if is_apart else None,
            start_new_session=is_apart,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if is_apart else 0,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "an argument contains an invalid character"
        raise ProgramError("start", f"can't be started: {reason}") from error
    with process, reported(os.path.basename(words[0])):
        try:
            output, stderr = _exchange(process, message, timeout_s)
        except BaseException:
            _kill(process, is_apart=is_apart)
            raise
    return Finished(process.returncode, output, stderr)


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


def _exchange(process: Popen[bytes], message: bytes, timeout_s: float) -> list[bytes]:
    """Send a message to a program, wait for its end, and return its output and its error output.

    Raises:
        ProgramError: The program takes too long or writes too much.
    """
    outputs = [_Output(process, stream) for stream in (process.stdout, process.stderr) if stream is not None]
    sender = threading.Thread(target=_send, args=(process, message), daemon=True)
    sender.start()
    end = time.monotonic() + timeout_s
    for one in (*outputs, sender):
        # Programs that it has started may keep an output open.
        while one.is_alive() and time.monotonic() < end and not any(other.is_too_long for other in outputs):
            one.join(min(LOOK_S, max(0.0, end - time.monotonic())))
    if any(one.is_too_long for one in outputs):
        raise ProgramError("long", f"wrote more than {MAX_OUTPUT // 1024} KiB")
    try:
        process.wait(max(0.0, end - time.monotonic()))
        is_late = any(one.is_alive() for one in outputs)
    except subprocess.TimeoutExpired:
        is_late = True
    if is_late:
        raise ProgramError("slow", f"took longer than {timeout_s:g} seconds")
    return [one.data for one in outputs]


def _send(process: Popen[bytes], message: bytes) -> None:
    """Write a message to the input of a program. A program can end without reading it."""
    stream = cast("IO[bytes]", process.stdin)
    with suppress(OSError, ValueError):
        while message:
            message = message[stream.write(message) :]
    with suppress(OSError):
        stream.close()


def _kill(process: Popen[bytes], *, is_apart: bool) -> None:
    """End a program; one that runs apart with all programs that it has started."""
    if is_apart and hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
