"""A real redis-server for one test."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class RedisServer:
    """A redis-server on a free loopback port, which writes its data to the disk before it answers.

    Args:
        directory: Directory of its data.
        options: Additional arguments of its command line.
        tls: Speak TLS on a second port, which `url` names.
    """

    def __init__(self, directory: Path, *options: str, tls: bool = False) -> None:
        self._directory = directory
        self._options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        if tls:
            port = free_port()
            self.url = f"rediss://127.0.0.1:{port}/0"
            self._options += ("--tls-port", str(port))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory),
             "--save", "", "--appendonly", "yes", "--appendfsync", "always", *self._options],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not answer"
            assert self._process.poll() is None, "redis-server ended"

    def stop(self) -> None:
        """Stop the server, and wait until it has ended."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=20)

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)

    def command(self, *words: str) -> str:
        """Return its answer to a command, as redis-cli shows it."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout.strip()

    def everything(self) -> str:
        """Return all its keys and values."""
        keys = self.command("--scan").split("\n")
        values = [
            self.command("LRANGE", key, "0", "-1") if ":damaged:" in key
            else self.command("SMEMBERS", key) if key.endswith(":names") else self.command("GET", key)
            for key in keys
            if key
        ]  # fmt: skip
        return "\n".join([*keys, *values])

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            # Refused at once, so waiting a little keeps the other core free.
            time.sleep(0.02)
            return False
