"""Real Redis servers for one test: one, or a master with replicas and sentinels, or a cluster."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

START_S = 30.0


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def free_cluster_port() -> int:
    """Return a loopback port that nothing listens on, and neither on the one that a node uses for the other nodes."""
    while True:
        port = free_port()
        with socket.socket() as other:
            if port < 55536 and other.connect_ex(("127.0.0.1", port + 10000)) != 0:
                return port


class RedisServer:
    """A redis-server on a free loopback port, which writes its data to the disk before it answers.

    Args:
        directory: Directory of its data.
        options: Additional arguments of its command line.
        tls: Speak TLS on a second port, which `url` names.
        port: Its port; 0 for a free one.
        config: Text of its configuration file; it becomes a sentinel. Empty for a server without such a file.
    """

    def __init__(self, directory: Path, *options: str, tls: bool = False, config: str = "", port: int = 0) -> None:
        self._directory = directory
        self._options = options
        self._config = config
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        if tls:
            tls_port = free_cluster_port()
            self.url = f"rediss://127.0.0.1:{tls_port}/0"
            self._options += ("--tls-port", str(tls_port))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        port = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory)]
        kind = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        file = []
        if self._config:
            # A sentinel stores what it finds out in its configuration file.
            (self._directory / "sentinel.conf").write_text(self._config)
            file, kind = [str(self._directory / "sentinel.conf")], ["--sentinel"]
        self._process = subprocess.Popen(
            ["redis-server", *file, *port, *kind, *self._options], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not answer"
            assert self._process.poll() is None, "redis-server ended"

    def pause(self) -> None:
        """Stop it from running, as a machine that hangs: its connections stay, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

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

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.poll() is None

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


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something that other processes do is true, at most 30 seconds."""
    until = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < until, f"not in time: {what}"
        time.sleep(0.05)


class Sentinels:
    """A master with two replicas, and three sentinels that watch it as `vault`.

    Args:
        directory: Directory of their data.
        password: Password of the servers.
        sentinel_password: Password of the sentinels.
        down_after_ms: Time without an answer after which a sentinel considers a server down.
    """

    def __init__(
        self, directory: Path, *, password: str = "", sentinel_password: str = "", down_after_ms: int = 500
    ) -> None:
        own = ["--requirepass", password, "--masterauth", password] if password else []
        own += ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
        places = [directory / name for name in ("a", "b", "c", "s1", "s2", "s3")]
        for place in places:
            place.mkdir()
        self.master = RedisServer(places[0], *own)
        replica = ("--replicaof", f"127.0.0.1 {self.master.port}")
        self.servers = [self.master, *(RedisServer(place, *own, *replica) for place in places[1:3])]
        self._password = password
        lines = [f"sentinel monitor vault 127.0.0.1 {self.master.port} 2",
                 f"sentinel down-after-milliseconds vault {down_after_ms}", "sentinel failover-timeout vault 3000",
                 f"sentinel auth-pass vault {password}" if password else "",
                 f"requirepass {sentinel_password}" if sentinel_password else ""]  # fmt: skip
        self.sentinels = [RedisServer(place, config="\n".join(lines) + "\n") for place in places[3:]]
        self._sentinel_password = sentinel_password
        self.hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.url = f"redis+sentinel://{self.hosts}/vault/0"

    def __enter__(self) -> Self:
        try:
            for one in self.servers:
                one.start()
            password = ["--pass", self._password, "--no-auth-warning"] if self._password else []
            wait_until(
                lambda: "connected_slaves:2" in self.master.command(*password, "INFO", "replication"), "replicas"
            )
            for one in self.sentinels:
                one.start()
            wait_until(lambda: all(map(self._is_ready, self.sentinels)), "sentinels")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        for one in (*self.sentinels, *self.servers):
            one.kill()

    def command(self, *words: str) -> str:
        """Return the answer of the master."""
        return self.master.command(*words)

    def everything(self) -> str:
        """Return all keys and values of the master."""
        return self.master.everything()

    def owner(self) -> RedisServer:
        """Return the master that the sentinels name now."""
        words = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "vault")
        port = int(self._ask(self.sentinels[0], *words).split("\n")[1])
        return next(one for one in self.servers if one.port == port)

    def _is_ready(self, one: RedisServer) -> bool:
        """Return whether a sentinel knows the replicas and the other sentinels."""
        known = self._ask(one, "SENTINEL", "MASTER", "vault").split("\n")
        facts = dict(zip(known[::2], known[1::2], strict=True))
        return (facts["num-slaves"], facts["num-other-sentinels"], facts["flags"]) == ("2", "2", "master")

    def _ask(self, one: RedisServer, *words: str) -> str:
        password = ["--pass", self._sentinel_password, "--no-auth-warning"] if self._sentinel_password else []
        return one.command(*password, *words)


class Cluster:
    """A cluster of three masters and three replicas.

    Args:
        directory: Directory of their data.
    """

    def __init__(self, directory: Path) -> None:
        self.nodes = []
        for number in range(6):
            (directory / str(number)).mkdir()
            self.nodes.append(
                RedisServer(directory / str(number), "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                            "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
                            port=free_cluster_port())
            )  # fmt: skip
        hosts = [f"127.0.0.1:{one.port}" for one in self.nodes]
        self.url = f"redis+cluster://{hosts[0]},{hosts[4]}"

    def __enter__(self) -> Self:
        try:
            for one in self.nodes:
                one.start()
            hosts = [f"127.0.0.1:{one.port}" for one in self.nodes]
            create = ["redis-cli", "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"]
            subprocess.run(create, capture_output=True, check=True, timeout=START_S)
            wait_until(lambda: all(map(self._is_ready, self.nodes)), "cluster")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        for one in self.nodes:
            one.kill()

    def owner(self) -> RedisServer:
        """Return the master that has the slot of the vault."""
        alive = next(one for one in self.nodes if one.is_running())
        slot = int(alive.command("CLUSTER", "KEYSLOT", "{entrakit}:names"))
        lines = alive.command("CLUSTER", "NODES").split("\n")
        for line in lines:
            words = line.split()
            ranges = [word.partition("-") for word in words[8:] if not word.startswith("[")]
            if "fail" not in words[2] and any(int(low) <= slot <= int(high or low) for low, _, high in ranges):
                port = int(words[1].partition("@")[0].rpartition(":")[2])
                return next(one for one in self.nodes if one.port == port)
        raise AssertionError(lines)

    def command(self, *words: str) -> str:
        """Return the answer of the master that has the slot of the vault."""
        return self.owner().command(*words)

    def everything(self) -> str:
        """Return all keys and values of the vault."""
        return self.owner().everything()

    def _is_ready(self, one: RedisServer) -> bool:
        facts = one.command("CLUSTER", "INFO")
        nodes = one.command("CLUSTER", "NODES")
        return "cluster_state:ok" in facts and nodes.count(" slave ") + nodes.count("myself,slave") == 3
