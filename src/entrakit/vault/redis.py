"""Saved connections on a Redis server that many hosts share (extra `redis`).

    {entrakit}:entry:NAME      an entry, sealed as in a file; the key is never sent
    {entrakit}:damaged:NAME    damaged copies of an entry
    {entrakit}:lock:NAME       the process that renews it now; expires by itself when that process dies
    {entrakit}:fence:NAME      the last process that held the lock: writes of earlier ones are refused
    {entrakit}:names           all names
    {entrakit}:current         the name that commands use by default
    {entrakit}:key             the note that names the key of the entries

Each atomic step is one script, which the server runs without interruption. All of them can be repeated if an answer
was lost.
"""

from __future__ import annotations

import os
import random
import re
import time
from contextlib import contextmanager, suppress
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import SplitResult, parse_qs, urlsplit

from entrakit.errors import ParameterError, VaultBusyError, VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Answer = TypeVar("Answer")

# An unused refresh token expires after the same time.
ENTRY_TTL_S = 90 * 24 * 3600
DAMAGED_TTL_S = 30 * 24 * 3600
FENCE_TTL_S = 24 * 3600
# The lock of a dead process expires after this time; a live one extends it three times as often.
LOCK_TTL_S = 15.0
PATIENCE_S = 10.0
SILENCE_S = 5.0
MAX_ENTRY = 4 * 1024 * 1024
OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

_ACQUIRE = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
redis.call('set', KEYS[2], ARGV[1], 'ex', ARGV[3])
return ''
"""
_EXTEND = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
# A lock that does not belong to an entry leaves no fence.
_RELEASE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '.' then redis.call('del', KEYS[2]) end
return redis.call('del', KEYS[1])
"""
_WRITE = """
local fence = redis.call('get', KEYS[2])
if ARGV[3] ~= '' and fence ~= ARGV[3] then
  -- A restarted server may have lost fence and lock. Then no other process has them, and the entry still exists.
  local holder = redis.call('get', KEYS[4])
  if fence or (holder and holder ~= ARGV[3]) or redis.call('exists', KEYS[1]) == 0 then return 0 end
end
redis.call('set', KEYS[1], ARGV[1], 'ex', ARGV[2])
redis.call('sadd', KEYS[3], ARGV[4])
return 1
"""
_DELETE = """
if ARGV[1] ~= '' and redis.call('get', KEYS[3]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1], KEYS[2], KEYS[3])
redis.call('srem', KEYS[4], ARGV[2])
return 1
"""
_SET_ASIDE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('lpush', KEYS[2], ARGV[1])
redis.call('ltrim', KEYS[2], 0, 4)
redis.call('expire', KEYS[2], ARGV[2])
return redis.call('del', KEYS[1])
"""
# Names with an entry or, for `traces`, a damaged copy; a name without both is removed.
_LIST = """
local found = {}
for _, name in ipairs(redis.call('smembers', KEYS[1])) do
  local entry = redis.call('exists', ARGV[1] .. name) == 1
  local damaged = redis.call('exists', ARGV[2] .. name) == 1
  if not entry and not damaged then redis.call('srem', KEYS[1], name) end
  if entry or (damaged and ARGV[3] == 'traces') then table.insert(found, name) end
end
return found
"""
_SWAP = """
local now = redis.call('get', KEYS[1]) or ''
if now == ARGV[2] then return 1 end
if now ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('del', KEYS[1]) else redis.call('set', KEYS[1], ARGV[2]) end
return 1
"""


class RedisClient(Protocol):
    """The method used of redis-py's client."""

    def execute_command(self, *words: str | bytes | int) -> bytes | int | list[bytes] | None:
        """Send one command and return the answer."""
        ...


class RedisStorage:
    """Storage of entries on a Redis server.

    Args:
        url: `redis://` or `rediss://` (TLS, with the certificate checked) address, with user, password and database
            number if needed; for TLS also `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile` as query.

    Raises:
        ParameterError: The address is invalid.
    """

    def __init__(self, url: str) -> None:
        parts = _checked(url)
        self._url = url
        self._client: RedisClient | None = None
        self._held: dict[tuple[str, int], str] = {}
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self.place = f"{parts.scheme}://{host}:{parts.port or 6379}/{parts.path.strip('/') or 0}"
        self.is_encrypted = parts.scheme == "rediss"

    def __repr__(self) -> str:
        return f"RedisStorage({self.place!r})"

    def prepare(self) -> bytes | None:
        """Return the note of the vault's key; None if there is none. Raises VaultError for an unreachable server."""
        return self.read_key_note()

    def read(self, name: str) -> bytes | None:
        """Return an entry; None if it does not exist."""
        return cast("bytes | None", self._ask("get", _key("entry", name)))

    def write(self, name: str, data: bytes) -> None:
        """Replace the entry of this name.

        Raises:
            VaultError: The server refused it, or another process has taken over the lock.
        """
        if len(data) > MAX_ENTRY:
            raise VaultError(f"Can't write {name}: {len(data)} bytes are more than one connection may have.")
        owner = self._held.get((name, get_ident()), "")
        keys = (_key("entry", name), _key("fence", name), _key("names"), _key("lock", name))
        if not self._run(_WRITE, keys, data, ENTRY_TTL_S, owner, name):
            raise VaultError(
                f"Another process has taken over {name!r} in {self.place}, and its data is newer.",
                remedy="Try again; the token that the other process saved is used.",
            )

    def delete(self, name: str) -> None:
        """Remove everything of a name. Raises VaultError if another process has taken over the lock."""
        owner = self._held.get((name, get_ident()), "")
        keys = (_key("entry", name), _key("damaged", name), _key("fence", name), _key("names"))
        if not self._run(_DELETE, keys, owner, name):
            raise VaultError(f"Another process has taken over {name!r} in {self.place}.", remedy="Try again.")

    def has_traces(self, name: str) -> bool:
        """Return whether an entry or a damaged copy of this name exists."""
        return bool(self._ask("exists", _key("entry", name), _key("damaged", name)))

    def names(self) -> list[str]:
        """Return the names of all entries, sorted."""
        return self._listed("names")

    def traces(self) -> list[str]:
        """Return the names with an entry or a damaged copy, sorted."""
        return self._listed("traces")

    def set_aside(self, name: str, seen: bytes) -> str:
        """Move an entry out of the way if its content is still `seen`; return its new place, else an empty string."""
        aside = _key("damaged", name)
        moved = self._run(_SET_ASIDE, (_key("entry", name), aside), seen, DAMAGED_TTL_S)
        return f"{aside} on {self.place}" if moved else ""

    @contextmanager
    def lock(self, name: str, timeout_s: float) -> Iterator[None]:
        """Hold the lock of an entry against processes on all hosts for a block.

        Raises:
            VaultBusyError: Another process held it for `timeout_s` seconds.
            VaultError: The server can't be reached; with a timeout of 0 there is only one attempt.
        """
        from platform import node

        owner = f"{os.urandom(16).hex()} {os.getpid()} {node()}"
        self._acquire(name, owner, timeout_s)
        over = Event()
        beat = Thread(target=self._extend, args=(name, owner, over), daemon=True)
        beat.start()
        self._held[name, get_ident()] = owner
        try:
            yield
        finally:
            del self._held[name, get_ident()]
            over.set()
            beat.join()
            # If the server can't be reached, the lock expires by itself.
            with suppress(VaultError):
                self._run(_RELEASE, (_key("lock", name), _key("fence", name)), owner, name[:1], patience_s=0.0)

    def read_current(self) -> bytes:
        """Return the current name; empty if none was chosen."""
        return cast("bytes | None", self._ask("get", _key("current"))) or b""

    def write_current(self, name: str) -> None:
        """Choose the current name, or none if it is empty."""
        if name:
            self._ask("set", _key("current"), name)
        else:
            self._ask("del", _key("current"))

    def read_key_note(self) -> bytes | None:
        """Return the note of the vault's key; None if there is none."""
        return cast("bytes | None", self._ask("get", _key("key")))

    def swap_key_note(self, seen: bytes | None, data: bytes | None) -> bool:
        """Replace the note of the key (None: remove it) if it is still `seen`; return whether it is `data` now."""
        return bool(self._run(_SWAP, (_key("key"),), seen or b"", data or b""))

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return the problems of the server: damaged copies, and a connection that is not encrypted."""
        found = [
            (name, "A damaged copy exists.", f"Remove it with `disconnect({name!r})`, or look at it first.")
            for name in self._listed("traces")
            if self._ask("exists", _key("damaged", name))
        ]
        host = urlsplit(self.place).hostname
        if not self.is_encrypted and host not in ("localhost", "127.0.0.1", "::1"):
            problem = "The connection to the server is not encrypted, including password and metadata."
            found.append((self.place, problem, "Use a rediss:// address."))
        return found

    def sweep(self) -> None:
        """Do nothing: keys expire by themselves."""

    def _listed(self, which: str) -> list[str]:
        found = cast("list[bytes]", self._run(_LIST, (_key("names"),), _key("entry", ""), _key("damaged", ""), which))
        return sorted(name.decode("utf-8", "replace") for name in found)

    def _acquire(self, name: str, owner: str, timeout_s: float) -> None:
        until, pause_s = time.monotonic() + timeout_s, 0.02
        keys = (_key("lock", name), _key("fence", name))
        while True:
            holder = self._run(
                _ACQUIRE, keys, owner, int(LOCK_TTL_S * 1000), FENCE_TTL_S, patience_s=min(PATIENCE_S, timeout_s)
            )
            if not holder:
                return
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise VaultBusyError(
                    f"Another process has held {name!r} in {self.place} for {timeout_s:g} seconds"
                    f"{_described(cast('bytes', holder))}.",
                    remedy="Wait until that process ends, or stop it, then try again.",
                )
            time.sleep(min(left_s, pause_s * random.uniform(0.5, 1.0)))  # noqa: S311 - spreads the attempts of processes, not a secret
            pause_s = min(pause_s * 2, 0.25)

    def _extend(self, name: str, owner: str, over: Event) -> None:
        """Extend a lock at intervals until it is released."""
        while not over.wait(LOCK_TTL_S / 3):
            with suppress(VaultError):
                self._run(_EXTEND, (_key("lock", name),), owner, int(LOCK_TTL_S * 1000), patience_s=0.0)

    def _run(
        self, script: str, keys: tuple[str, ...], *values: str | bytes | int, patience_s: float | None = None
    ) -> bytes | int | list[bytes] | None:
        return self._ask("eval", script, len(keys), *keys, *values, patience_s=patience_s)

    def _ask(self, *words: str | bytes | int, patience_s: float | None = None) -> bytes | int | list[bytes] | None:
        """Return the server's answer to a command; repeat it for a while if the server can't be reached."""
        from ssl import SSLCertVerificationError

        from redis import exceptions

        until, pause_s = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s), 0.05
        while True:
            try:
                return self._connected().execute_command(*words)
            except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
                raise VaultError(
                    f"{self.place} refuses this user: {type(error).__name__}.",
                    remedy="Check user and password in ENTRAKIT_VAULT, and the permissions of the user.",
                ) from error
            except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ReadOnlyError) as error:
                if isinstance(error.__context__, SSLCertVerificationError):
                    raise VaultError(
                        f"The certificate of {self.place} is not trusted: {error.__context__.verify_message}.",
                        remedy="Name its CA with ?ssl_ca_certs=FILE in ENTRAKIT_VAULT, or with SSL_CERT_FILE.",
                    ) from error
                if time.monotonic() + pause_s > until:
                    if isinstance(error, exceptions.ReadOnlyError):
                        raise VaultError(
                            f"The vault {self.place} is a replica, which accepts no writes.",
                            remedy="Name the primary server in ENTRAKIT_VAULT.",
                        ) from error
                    raise VaultError(
                        f"The vault {self.place} can't be reached: {type(error).__name__}.",
                        remedy="Check that the server runs and can be reached from here, then try again.",
                        retryable=True,
                    ) from error
            except exceptions.RedisError as error:
                raise VaultError(
                    f"The vault {self.place} refused: {error}.", remedy="Check its memory and its log."
                ) from error
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the attempts of processes, not a secret
            pause_s = min(pause_s * 2, 1.0)

    def _check_files(self) -> None:
        """Raise VaultError if a file that the address names is missing; the client would report a network error."""
        for option, (file, *_) in parse_qs(urlsplit(self._url).query).items():
            if not os.path.isfile(file):
                raise VaultError(
                    f"{option} in the vault address names {file!r}, which does not exist.",
                    remedy="Correct its path in ENTRAKIT_VAULT.",
                )

    def _connected(self) -> RedisClient:
        if self._client is None:
            self._check_files()
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            # `_ask` repeats within its time limit; the client must not repeat as well.
            options: dict[str, object] = {"retry": Retry(NoBackoff(), 0)}
            options |= {"socket_timeout": SILENCE_S, "socket_connect_timeout": SILENCE_S}
            if self.is_encrypted:
                options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
            make = cast("Callable[..., RedisClient]", Redis.from_url)
            self._client = make(self._url, **options)
        return self._client


def open_storage(url: str) -> RedisStorage:
    """Return the storage at an address.

    Raises:
        ParameterError: The address is invalid.
        VaultError: The extra `redis` is not installed.
    """
    from importlib.util import find_spec

    storage = RedisStorage(url)
    if find_spec("redis") is None:
        raise VaultError("A shared vault needs the extra redis.", remedy="Type `pip install 'entrakit[redis]'`.")
    return storage


def _key(*words: str) -> str:
    # The braces keep all of them on one node of a cluster, as the scripts need.
    return ":".join(("{entrakit}", *words))


def _checked(url: str) -> SplitResult:
    """Return the parts of an address; errors do not repeat it, since it may hold a password."""
    remedy = (
        "Use the form redis://host:6379/0 or rediss://user:password@host:6379/0. For a folder with a colon in its "
        "name, use its complete path."
    )
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "x").encode("idna")
    except ValueError:
        # Without its cause, because that repeats a part of the address.
        raise ParameterError("The vault address is not a valid address.", remedy=remedy) from None
    if not parts.scheme:
        raise ParameterError("The vault address is not a valid address.", remedy=remedy)
    if parts.scheme not in ("redis", "rediss"):
        raise ParameterError(f"A vault address can't begin with {parts.scheme}:.", remedy=remedy)
    if not parts.hostname or port == 0 or not re.fullmatch("[0-9]{0,9}", parts.path.strip("/")) or parts.fragment:
        raise ParameterError("The vault address has no host, or its path is not a database number.", remedy=remedy)
    unknown = sorted(set(parse_qs(parts.query, keep_blank_values=True)) - set(OPTIONS))
    if unknown or (parts.query and parts.scheme != "rediss"):
        # Not repeated: it may be the rest of a password with a question mark.
        raise ParameterError(
            "The vault address has an unknown option.",
            remedy=f"The options are {', '.join(OPTIONS)}, for rediss:// only; the certificate is always checked. "
            "In a password write ? as %3F, # as %23 and / as %2F.",
        )
    return parts


def _described(holder: bytes) -> str:
    """Return the owner that a lock names, in brackets; empty if it names none."""
    _, _, who = holder.decode("ascii", "replace").partition(" ")
    pid, _, host = who.partition(" ")
    return f" (process {pid} on {host or 'another host'})" if pid.isdigit() and f"{host}x".isprintable() else ""
