"""Saved connections on a Redis server that many hosts share (extra `redis`).

    {entrakit}:entry:NAME      an entry, sealed as in a file; the key is never sent
    {entrakit}:damaged:NAME    damaged copies of an entry
    {entrakit}:lock:NAME       the process that renews it now; expires by itself when that process dies
    {entrakit}:fence:NAME      the last process that held the lock: writes of earlier ones are refused
    {entrakit}:names           all names
    {entrakit}:current         the name that commands use by default
    {entrakit}:current-vault   the id of the vault in which it was chosen, and that name; 0.1.0 ignores it
    {entrakit}:key             the note that names the key of the entries
    {entrakit}:id              the id of the vault; 0.1.0 ignores it

The names are the same on one server, behind sentinels and in a cluster. The braces keep all keys in one slot of a
cluster, and each script names its keys. Each atomic step is one script, which the server runs without interruption. All
of them can be repeated if an answer was lost.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager, suppress
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING, cast

from entrakit.errors import VaultBusyError, VaultError
from entrakit.files.lock import NOTICED_S, report_wait
from entrakit.vault import redis_address
from entrakit.vault.envelope import Found, Notes
from entrakit.vault.redis_client import RedisConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.vault.redis_client import Answer

# An unused refresh token expires after the same time.
ENTRY_TTL_S = 90 * 24 * 3600
DAMAGED_TTL_S = 30 * 24 * 3600
FENCE_TTL_S = 24 * 3600
# The lock of a dead process expires after this time; a live one extends it three times as often.
LOCK_TTL_S = 15.0
PATIENCE_S = 10.0
# Sentinels and clusters need some seconds to notice that a master is gone, and then choose another one.
FAILOVER_PATIENCE_S = 30.0
MAX_ENTRY = 4 * 1024 * 1024
NAMES_PER_STEP = 500

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
local kept = redis.call('get', KEYS[1])
local fence = redis.call('get', KEYS[2])
if ARGV[3] ~= '' and fence ~= ARGV[3] then
  -- A server that restarted or took over may lack fence and lock. Then the entry decides.
  local holder = redis.call('get', KEYS[4])
  if fence or (holder and holder ~= ARGV[3]) or not kept then return 'taken' end
end
if ARGV[5] ~= '' and kept ~= ARGV[5] and kept ~= ARGV[1] then return 'changed' end
redis.call('set', KEYS[1], ARGV[1], 'ex', ARGV[2])
redis.call('sadd', KEYS[3], ARGV[4])
return 'written'
"""
_PAIR = "return {redis.call('get', KEYS[1]) or '', redis.call('get', KEYS[2]) or ''}"
_CHOOSE = """
if ARGV[1] == '' then redis.call('del', KEYS[1]) else redis.call('set', KEYS[1], ARGV[1]) end
if ARGV[2] == '' then redis.call('del', KEYS[2]) else redis.call('set', KEYS[2], ARGV[2]) end
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
# Names with an entry or, for `traces`, a damaged copy; a name without both is removed. After the key of the names come
# those of an entry and a damaged copy for each name.
_LIST = """
local found = {}
for i, name in ipairs(ARGV) do
  if i > 1 then
    local entry = redis.call('exists', KEYS[2 * i - 2]) == 1
    local damaged = redis.call('exists', KEYS[2 * i - 1]) == 1
    if not entry and not damaged then redis.call('srem', KEYS[1], name) end
    if entry or (damaged and ARGV[1] == 'traces') then table.insert(found, name) end
  end
end
return found
"""
# The note of the key and the id of the vault.
_SWAP = """
local now = redis.call('get', KEYS[1]) or ''
if now == ARGV[2] and (redis.call('get', KEYS[2]) or '') == ARGV[3] then return 1 end
if now ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('del', KEYS[1]) else redis.call('set', KEYS[1], ARGV[2]) end
if ARGV[3] == '' then redis.call('del', KEYS[2]) else redis.call('set', KEYS[2], ARGV[3]) end
return 1
"""


class RedisStorage:
    """Storage of entries on a Redis server, behind sentinels, or in a cluster.

    Args:
        url: Address, as `redis_address` describes it.

    Raises:
        ParameterError: The address is invalid.
    """

    def __init__(self, url: str) -> None:
        self.address = redis_address.parse(url)
        self.place = self.address.place
        self._connection = RedisConnection(self.address)
        self._held: dict[tuple[str, int], str] = {}

    def __repr__(self) -> str:
        return f"RedisStorage({self.place!r})"

    def prepare(self) -> bytes | None:
        """Return the note of the vault's key; None if there is none. Raises VaultError for an unreachable server."""
        return self.read_notes().key

    def read(self, name: str) -> Found | None:
        """Return an entry; None if it does not exist."""
        data, vault = self._pair(_key("entry", name), _key("id"))
        return Found(data, vault.decode("ascii", "replace")) if data else None

    def write(self, name: str, data: bytes, seen: bytes | None = None) -> bool:
        """Replace the entry of this name; with `seen`, only if its content is still that. Return whether it was.

        Raises:
            VaultError: The server refused it, or another process has taken over the lock.
        """
        if len(data) > MAX_ENTRY:
            raise VaultError(f"Can't write {name}: {len(data)} bytes are more than one connection may have.")
        owner = self._held.get((name, get_ident()), "")
        keys = (_key("entry", name), _key("fence", name), _key("names"), _key("lock", name))
        result = self._run(_WRITE, keys, data, ENTRY_TTL_S, owner, name, seen or b"")
        if result == b"taken":
            raise VaultError(
                f"Another process has taken over {name!r} in {self.place}, and its data is newer.",
                remedy="Try again; the token that the other process saved is used.",
            )
        return result == b"written"

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

    def read_current(self) -> Found:
        """Return the current name, and the id of the vault in which it was chosen; empty if none was chosen."""
        name, mark = self._pair(_key("current"), _key("current-vault"))
        vault, _, marked = mark.partition(b" ")
        return Found(name, vault.decode("ascii", "replace") if marked == name else "")

    def write_current(self, name: str, vault: str) -> None:
        """Choose the current name in the vault with this id, or none if the name is empty."""
        mark = f"{vault} {name}" if name and vault else ""
        self._run(_CHOOSE, (_key("current"), _key("current-vault")), name, mark)

    def read_notes(self) -> Notes:
        """Return the notes of the vault."""
        key, vault = self._pair(_key("key"), _key("id"))
        return Notes(key or None, vault.decode("ascii", "replace"))

    def swap_key_note(self, seen: bytes | None, data: bytes | None, vault: str) -> bool:
        """Replace the note of the key and the id of the vault, if the note is still `seen`.

        `data` of None removes both. Return whether the note is `data` and the id is `vault` now.
        """
        return bool(self._run(_SWAP, (_key("key"), _key("id")), seen or b"", data or b"", vault if data else ""))

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return the problems of the server: damaged copies, and a connection that is not encrypted."""
        found = [
            (name, "A damaged copy exists.", f"Remove it with `disconnect({name!r})`, or look at it first.")
            for name in self._listed("traces")
            if self._ask("exists", _key("damaged", name))
        ]
        if self.address.is_plain:
            problem = "The connection to the server is not encrypted, including password and metadata."
            secure = self.address._replace(is_encrypted=True).scheme
            found.append((self.place, problem, f"Use an address with {secure}://."))
        return found

    def sweep(self) -> None:
        """Do nothing: keys expire by themselves."""

    def _listed(self, which: str) -> list[str]:
        names = sorted(cast("list[bytes]", self._ask("smembers", _key("names"))))
        found: list[bytes] = []
        for start in range(0, len(names), NAMES_PER_STEP):
            some = names[start : start + NAMES_PER_STEP]
            keys = [_key(kind, "").encode("ascii") + name for name in some for kind in ("entry", "damaged")]
            found += cast("list[bytes]", self._run(_LIST, (_key("names"), *keys), which, *some))
        return sorted(name.decode("utf-8", "replace") for name in found)

    def _pair(self, one: str, other: str) -> tuple[bytes, bytes]:
        """Return the values of two keys at one moment; empty for one that does not exist."""
        first, second = cast("list[bytes]", self._run(_PAIR, (one, other)))
        return first, second

    def _acquire(self, name: str, owner: str, timeout_s: float) -> None:
        begun, pause_s, is_reported = time.monotonic(), 0.02, False
        until = begun + timeout_s
        keys = (_key("lock", name), _key("fence", name))
        while True:
            holder = self._run(
                _ACQUIRE,
                keys,
                owner,
                int(LOCK_TTL_S * 1000),
                FENCE_TTL_S,
                patience_s=min(self._patience_s(), timeout_s),
            )
            if not holder:
                return
            left_s = until - time.monotonic()
            if not is_reported and left_s > 0 and time.monotonic() - begun >= NOTICED_S:
                is_reported = True
                report_wait(timeout_s, f"another process holds {name!r}{_described(cast('bytes', holder))}")
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
        self, script: str, keys: tuple[str | bytes, ...], *values: str | bytes | int, patience_s: float | None = None
    ) -> Answer:
        return self._ask("eval", script, len(keys), *keys, *values, patience_s=patience_s)

    def _ask(self, *words: str | bytes | int, patience_s: float | None = None) -> Answer:
        return self._connection.ask(*words, patience_s=self._patience_s() if patience_s is None else patience_s)

    def _patience_s(self) -> float:
        return PATIENCE_S if self.address.kind == "redis" else FAILOVER_PATIENCE_S


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
    return ":".join(("{entrakit}", *words))


def _described(holder: bytes) -> str:
    """Return the owner that a lock names, in brackets; empty if it names none."""
    _, _, who = holder.decode("ascii", "replace").partition(" ")
    pid, _, host = who.partition(" ")
    return f" (process {pid} on {host or 'another host'})" if pid.isdigit() and f"{host}x".isprintable() else ""
