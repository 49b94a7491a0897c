"""The vault and several processes: the cost of a read, and entries that survive kills and races complete."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret", "expires_at": 1.5}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh"}

# Modules that a read of one entry may not load, unless AES-GCM itself does.
HEAVY = {
    "argparse", "asyncio", "concurrent", "dataclasses", "datetime", "difflib", "email", "filelock", "getpass",
    "hashlib", "http", "inspect", "keyring", "logging", "pathlib", "platform", "platformdirs", "random", "secrets",
    "shutil", "socket", "ssl", "subprocess", "tempfile", "threading", "urllib", "uuid",
}  # fmt: skip

# It waits for a line, then writes the same entry again and again.
WRITER = """
import itertools, sys
from entrakit.vault import Vault
vault, number, writes = Vault(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for n in range(writes) if writes else itertools.count():
    vault.write("work", {"n": [number, n]}, {"n": [number, n], "fill": "x" * 20000})
    print(n, flush=True)
"""


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with one entry."""
    one = Vault(str(private_home))
    one.write("work", META, SECRETS)
    return one


def files_of(vault: Vault) -> list[str]:
    """Return the names of the files that hold entries."""
    return os.listdir(Path(vault.place) / "connections")


def run(program: str, *arguments: object) -> str:
    """Run a program to its end and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


@contextmanager
def writers(vault: Vault, writes: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Run four processes that write the same entry, each the given number of times; 0 means without end."""
    with ExitStack() as ends:
        racing = [
            ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, vault.place, str(number), str(writes)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(4)
        ]
        for process in racing:
            ends.callback(process.kill)
            assert "ready\n" == line_of(process)
        for process in racing:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield racing


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_read_opens_three_files(vault: Vault) -> None:
    """
    A read opens the entry, the id of the vault and the key, and lists no directory, regardless of the number of
    connections.
    """
    program = """
import os, sys
from entrakit.vault import Vault
vault = Vault(sys.argv[1])
vault.read("work")
vault = Vault(sys.argv[1])
seen = []
def watch(event, details):
    if event.startswith(("open", "os.")): seen.append((event, os.path.basename(details[0])))
sys.addaudithook(watch)
vault.read("work")
for event, name in list(seen): print(event, name)
"""
    opened = [line.partition("-")[0] for line in run(program, vault.place).split("\n")]
    assert ["open work.json", "open vault.id", "open key"] == opened[:3]


def test_a_read_loads_little(vault: Vault) -> None:
    """
    Reading loads no heavy module except those of AES-GCM, so that `entra token` starts fast.
    """
    program = """
import sys
bare = set(sys.modules)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
sealing = set(sys.modules)
from entrakit.vault import Vault
Vault(sys.argv[1]).read("work")
for name in sorted(set(sys.modules) - sealing): print(name)
"""
    loaded = set(run(program, vault.place).split())

    assert set() == {name for name in loaded if name.split(".")[0] in HEAVY}
    assert {"entrakit.errors", "entrakit.vault.files", "entrakit.vault"} <= loaded
    assert "entrakit.files.lock" not in loaded


def test_a_kill_at_any_step_of_a_write_loses_nothing(vault: Vault) -> None:
    """
    A writer is killed before each of its system calls in turn: the entry is the complete old or new one
    (checklist 40), and the leftovers are removed with the connection.
    """
    program = """
import os, sys
from entrakit.vault import Vault
vault = Vault(sys.argv[1])
vault.write("work", {"n": 0}, {"n": 0})
kept, status, step = 0, 9, 0
def dying(step):
    def count(frame, event, called):
        nonlocal step
        if event == "c_call":
            step -= 1
            if not step:
                os.kill(os.getpid(), 9)
    return count
while status == 9:
    step += 1
    child = os.fork()
    if not child:
        sys.setprofile(dying(step))
        vault.write("work", {"n": step}, {"n": step, "fill": "x" * 20000})
        sys.setprofile(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    entry = vault.read("work")
    assert entry.metadata["n"] == entry.secrets["n"], entry
    assert entry.metadata["n"] in (kept, step), (kept, step)
    kept = entry.metadata["n"]
print(status, kept == step, step)
"""
    status, last_was_kept, steps = run(program, vault.place).split()

    assert ("0", "True") == (status, last_was_kept)
    assert int(steps) > 24
    assert 1 < len(files_of(vault))
    assert vault.delete("work")
    assert [] == files_of(vault)


def test_processes_that_race_to_write_tear_nothing(vault: Vault) -> None:
    """
    If several processes write at once, each read gives the complete entry of one; the last entry stays.
    """
    with writers(vault, 25) as racing:
        while any(process.poll() is None for process in racing):
            entry = vault.read("work")
            assert entry.metadata.get("n") == entry.secrets.get("n")
        for process in racing:
            process.wait(timeout=30)

    assert [0] * 4 == [process.returncode for process in racing]
    last = vault.read("work").metadata["n"]
    assert isinstance(last, list)
    assert 24 == last[1]
    assert ["work.json"] == files_of(vault)


# It forks writers of three entries, each write under the entry's lock and reported afterwards, and kills them.
STORM = """
import os, random, select, signal, sys
from entrakit.vault import Vault
vault, names, random = Vault(sys.argv[1]), ("one", "two", "three"), random.Random(int(sys.argv[3]))
from entrakit.vault import files
from entrakit.files import lock
import filelock, platform
for name in names:
    vault.write(name, {"n": 0}, {"n": 0})
kept = dict.fromkeys(names, 0)
for kill in range(int(sys.argv[2])):
    name = names[kill % 3]
    seen, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(seen)
        n = kept[name]
        while True:
            n += 1
            with vault.lock(name):
                vault.write(name, {"n": n}, {"n": n, "fill": "x" * 20000})
            os.write(told, b"%d\\n" % n)
    os.close(told)
    # Half of them have written something before they are killed, however slow the machine is.
    data = os.read(seen, 65536) if kill % 2 else b""
    pause = random.expovariate(1 / 0.006)
    while select.select([seen], [], [], pause)[0]:
        data += os.read(seen, 65536)
        pause = min(pause, random.expovariate(1 / 0.003))
        if len(data) > 40:
            break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(seen, 65536):
        data += part
    os.close(seen)
    acknowledged = max([kept[name], *map(int, data.split())])
    entry = Vault(sys.argv[1]).read(name)
    assert entry.metadata["n"] == entry.secrets["n"], entry
    # The reported write is saved, or the one write after it.
    assert acknowledged <= entry.metadata["n"] <= acknowledged + 1, (acknowledged, entry.metadata)
    kept[name] = entry.metadata["n"]
print(kill + 1, min(kept.values()) >= 40)
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(2))
def test_250_kills_in_a_storm_of_writes_lose_nothing(vault: Vault, seed: int) -> None:
    """
    Writers killed at random moments, 250 times for each seed: every entry is complete and is the last reported one
    or the next. No lock of a killed process blocks another one, and nothing was moved aside.
    """
    assert "250 True\n" == run(STORM, vault.place, 250, seed)

    assert [] == [name for name in files_of(vault) if "damaged" in name]
    for name in ("one", "two", "three"):
        assert vault.delete(name)
    assert {"work.json", "work.lock"} >= set(files_of(vault))
