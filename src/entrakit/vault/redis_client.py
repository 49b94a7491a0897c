"""The connection to a shared vault on Redis: one server, the master that sentinels name, or a cluster.

Commands are repeated for a while if a server can't be reached or a fail-over is in progress. Errors of redis-py end
here: callers get VaultError, which says what to do.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, cast

from entrakit.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis.sentinel import Sentinel

    from entrakit.vault.redis_address import RedisAddress

    Answer = bytes | int | list[bytes] | None

SILENCE_S = 5.0
SENTINEL_SILENCE_S = 2.0
# Longer waits are reported.
QUIET_S = 2.0
# A server that begins its error with one of these may accept the same command soon.
_FOR_NOW = ("LOADING", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "READONLY")

log = logging.getLogger("entrakit")


class Client(Protocol):
    """The methods used of redis-py's clients."""

    def execute_command(self, *words: str | bytes | int) -> Answer:
        """Send one command and return the answer."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class RedisConnection:
    """The connection to the servers of an address; opened by the first command.

    Args:
        address: The address.
    """

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._client: Client | None = None
        self._sentinel: Sentinel | None = None

    def ask(self, *words: str | bytes | int, patience_s: float) -> Answer:
        """Return the server's answer to a command.

        Args:
            words: The command. It must be one that can be repeated, because its answer may have been lost.
            patience_s: Seconds to repeat it if no server can be reached; with 0 there is only one attempt.

        Raises:
            VaultError: There is no answer, or the server refused the command.
        """
        begun, pause_s, is_reported = time.monotonic(), 0.05, False
        while True:
            try:
                return self._connected().execute_command(*words)
            except VaultError:
                raise
            except Exception as error:
                # Redis-py raises errors outside its own tree, too.
                failure = self._failure(error)
                waited_s = time.monotonic() - begun
                if not failure.retryable or waited_s + pause_s > patience_s:
                    raise failure from error
                if waited_s + pause_s > QUIET_S and not is_reported:
                    log.warning("%s Waiting for up to %d seconds.", failure.problem, patience_s)
                    is_reported = True
            if self._address.kind == "cluster":
                # The next one asks the nodes of the address again who has which keys.
                self._close()
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the attempts of processes, not a secret
            pause_s = min(pause_s * 2, 1.0)

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # It can't be reached anyway.
            with suppress(Exception):
                client.close()

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._opened()
        return self._client

    def _opened(self) -> Client:
        """Return a new client of redis-py. Raises VaultError if a file that the address names is missing."""
        address = self._address
        for option, file in address.files:
            if not os.path.isfile(file):
                # The client would report a network error.
                raise VaultError(
                    f"{option} in the vault address names {file!r}, which does not exist.",
                    remedy="Correct its path in ENTRAKIT_VAULT.",
                )
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.cluster import ClusterNode, RedisCluster
        from redis.retry import Retry
        from redis.sentinel import Sentinel

        # `ask` repeats within its time limit; the client must not repeat as well.
        once = Retry(NoBackoff(), 0)
        secure: dict[str, object] = {}
        if address.is_encrypted:
            secure = {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True, **dict(address.files)}
        silence: dict[str, object] = {"socket_timeout": SILENCE_S, "socket_connect_timeout": SILENCE_S}
        password = address.password.reveal() if address.password else None
        options = {"username": address.username or None, "password": password, **silence, **secure}
        if address.kind == "cluster":
            nodes = [cast("Callable[..., object]", ClusterNode)(host, port) for host, port in address.hosts]
            make_cluster = cast("Callable[..., Client]", RedisCluster)
            return make_cluster(
                startup_nodes=nodes, dynamic_startup_nodes=False, require_full_coverage=False, retry=once, **options
            )
        options |= {"db": address.database, "retry": once}
        if address.kind == "redis":
            host, port = address.hosts[0]
            return cast("Callable[..., Client]", Redis)(host=host, port=port, **options)
        password = address.sentinel_password.reveal() if address.sentinel_password else None
        silence = dict.fromkeys(silence, SENTINEL_SILENCE_S)
        own = {"username": address.sentinel_username or None, "password": password, "retry": once, **silence, **secure}
        self._sentinel = cast("Callable[..., Sentinel]", Sentinel)(list(address.hosts), sentinel_kwargs=own, **options)
        return cast("Callable[[str], Client]", self._sentinel.master_for)(address.service)

    def _failure(self, error: Exception) -> VaultError:
        """Return our error for one of redis-py's. It is retryable if a later attempt may have another result."""
        from redis import exceptions
        from redis.sentinel import MasterNotFoundError

        place = self._address.place
        if isinstance(error, MasterNotFoundError):
            return self._no_master()
        known = self._known_failure(error, place)
        if known is not None:
            return known
        if isinstance(error, exceptions.ReadOnlyError):
            return VaultError(
                f"The vault {place} is a replica, which accepts no writes.",
                remedy="Name the primary server in ENTRAKIT_VAULT.",
                retryable=True,
            )
        if _is_passing(error):
            return VaultError(
                f"The vault {place} can't be reached: {type(error).__name__}.",
                remedy="Check that the server runs and can be reached from here, then try again.",
                retryable=True,
            )
        if isinstance(error, exceptions.RedisError):
            return VaultError(f"The vault {place} refused: {error}.", remedy="Check its memory and its log.")
        return VaultError(f"The connection to the vault {place} failed: {type(error).__name__}.", remedy="Try again.")

    def _known_failure(self, error: Exception, place: str) -> VaultError | None:
        """Return our error for a failure that no later attempt corrects; None if it is not one."""
        from ssl import SSLCertVerificationError

        from redis import exceptions

        for one in _with_causes(error):
            if isinstance(one, SSLCertVerificationError):
                return VaultError(
                    f"The certificate of {place} is not trusted: {one.verify_message}.",
                    remedy="Name the server's CA with ?ssl_ca_certs=FILE in ENTRAKIT_VAULT, or with SSL_CERT_FILE.",
                )
            if isinstance(one, exceptions.AuthenticationError | exceptions.NoPermissionError):
                return VaultError(
                    f"{place} refuses this user: {type(one).__name__}.",
                    remedy="Check user and password in ENTRAKIT_VAULT, and the permissions of the user.",
                )
        if isinstance(error, exceptions.MovedError | exceptions.AskError) and self._address.kind == "redis":
            return VaultError(
                f"The vault {place} is one node of a cluster.",
                remedy="Begin the address in ENTRAKIT_VAULT with rediss+cluster:// or redis+cluster://.",
            )
        if isinstance(error, exceptions.RedisClusterException) and "not enabled" in str(error):
            return VaultError(
                f"The vault {place} is not a cluster.",
                remedy="Begin the address in ENTRAKIT_VAULT with rediss:// or redis://.",
            )
        if isinstance(error, exceptions.ResponseError) and "unknown command" in str(error):
            return VaultError(
                f"The vault {place} lacks a command that is needed.",
                remedy="If it is a sentinel, use the form rediss+sentinel://host:26379/service in ENTRAKIT_VAULT, and "
                "if it is not, the form rediss://host:6379/0. Otherwise permit EVAL on the server.",
            )
        return None

    def _no_master(self) -> VaultError:
        """Return the reason why the sentinels name no master: none answers, none knows the service, or it is down."""
        from redis import exceptions

        place, service = self._address.place, self._address.service
        failures: list[VaultError | None] = []
        services: set[str] = set()
        has_answer = False
        for one in list(self._sentinel.sentinels) if self._sentinel else ():
            try:
                services.update(cast("dict[str, object]", one.sentinel_masters()))
                has_answer = True
            except (exceptions.RedisError, OSError) as error:
                failures.append(self._known_failure(error, place))
        if service in services:
            return VaultError(
                f"The sentinels of {place} know no master that can be reached.",
                remedy="Wait until the fail-over is complete, then try again. If it lasts, look at the sentinels' log.",
                retryable=True,
            )
        if has_answer:
            known = sorted(name for name in services if re.fullmatch("[A-Za-z0-9._-]{1,64}", name)) or ["none"]
            return VaultError(
                f"The sentinels of {place} do not know the service {service!r}.",
                remedy=f"Correct its name in ENTRAKIT_VAULT; they know {', '.join(known[:10])}.",
            )
        reason = next((failure for failure in failures if failure), None)
        if reason is not None and "refuses this user" in reason.problem:
            return VaultError(
                f"The sentinels of {place} refuse this user.",
                remedy="Sentinels have their own user and password: name them with "
                "?sentinel_username=USER&sentinel_password=PASSWORD in ENTRAKIT_VAULT.",
            )
        return reason or VaultError(
            f"None of the sentinels of {place} can be reached.",
            remedy="Check that they run and can be reached from here, then try again.",
            retryable=True,
        )


def _is_passing(error: Exception) -> bool:
    """Return whether a failure of redis-py may pass: no connection, or a fail-over in progress."""
    from redis import exceptions

    if isinstance(error, exceptions.ResponseError) and not isinstance(error, exceptions.ClusterError):
        return str(error).startswith(_FOR_NOW) or isinstance(error, exceptions.AskError | exceptions.TryAgainError)
    passing = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ClusterError)
    return isinstance(error, (*passing, exceptions.RedisClusterException, OSError))


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it."""
    one: BaseException | None = error
    for _ in range(8):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__
