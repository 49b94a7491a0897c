"""The vault: a saved token for each source of the key, and in vaults of 1, 100 and 10,000 connections."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import by_turns, compile_sources, environment, table
from bench.startup import AZURE_SCRIPT, KEEP, MSAL_SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR = "python -c pass"
# Runs without the kernel's keyring, like the first process after 15 minutes.
COLD = (
    "import sys; sys.argv = ['entra', 'token']; from entrakit.vault.keys import kernel; kernel._CALLS.clear()\n"
    "from entrakit.cli import run; run()"
)
MANY = """
import sys
from entrakit.vault import Vault
vault = Vault()
entry = vault.read("default")
for number in range(int(sys.argv[1])):
    vault.write(f"c{number}", entry.metadata, entry.secrets)
"""
SESSION = """
printf '%s' 'a password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
printf '%s\\n' "$DBUS_SESSION_BUS_ADDRESS"
read -r _
"""


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    compile_sources()
    with tempfile.TemporaryDirectory() as directory, secret_service(Path(directory)) as bus:
        return _rungs(Path(directory), bus) + _sizes(Path(directory))


def _rungs(directory: Path, bus: str) -> int:
    import entrakit_emulator

    python, entra = sys.executable, str(Path(sys.executable).with_name("entra"))
    rungs = {
        "key file": {},
        "environment, 32 bytes": {"ENTRAKIT_VAULT_KEY": base64.b64encode(os.urandom(32)).decode()},
        "environment, passphrase": {"ENTRAKIT_VAULT_KEY": "correct horse battery staple"},
        "Secret Service": {"DBUS_SESSION_BUS_ADDRESS": bus},
    }
    commands, environs = {FLOOR: [python, "-c", "pass"]}, {FLOOR: environment()}
    for number, (rung, more) in enumerate(rungs.items()):
        env = _without_bus(ENTRAKIT_HOME=str(directory / str(number)), HOME=str(directory), **more)
        subprocess.run([python, "-c", KEEP], check=True, env=env)
        commands[f"entra token, {rung}"], environs[f"entra token, {rung}"] = [entra, "token"], env
    for rung in ("environment, passphrase", "Secret Service"):
        label = f"{rung}, key not held by the kernel"
        commands[label], environs[label] = [python, "-c", COLD], environs[f"entra token, {rung}"]
    with entrakit_emulator.start() as tenant:
        words = [tenant.url, tenant.ca_path, tenant.tenant_id, tenant.confidential_client, tenant.client_secret]
        plain, cache = environment(HOME=str(directory)), str(directory / "msal.json")
        subprocess.run([python, "-c", MSAL_SCRIPT, cache, "add"], check=True, env=plain, stdout=subprocess.DEVNULL)
        subprocess.run([python, "-c", AZURE_SCRIPT, *words], check=True, env=plain, stdout=subprocess.DEVNULL)
        commands["msal + msal-extensions (unencrypted)"] = [python, "-c", MSAL_SCRIPT, cache]
        commands["azure-identity (unencrypted)"] = [python, "-c", AZURE_SCRIPT, *words]
        measured = by_turns(commands, plain, environs=environs)
    promised = {f"entra token, {rung}": 5.0 for rung in rungs}
    return table("A saved token, by the source of the key", measured, promised, floor=FLOOR)


def _sizes(directory: Path) -> int:
    python, entra = sys.executable, str(Path(sys.executable).with_name("entra"))
    commands: dict[str, list[str]] = {}
    environs = {}
    for count in (1, 100, 10_000):
        label = f"entra token, {count:,} connections"
        environs[label] = _without_bus(ENTRAKIT_HOME=str(directory / f"vault-of-{count}"))
        subprocess.run([python, "-c", KEEP], check=True, env=environs[label])
        subprocess.run([python, "-c", MANY, str(count - 1)], check=True, env=environs[label])
        commands[label] = [entra, "token"]
    measured = by_turns(commands, environment(), environs=environs)
    first = next(iter(measured))
    return table("A saved token, by the size of the vault", measured, dict.fromkeys(measured, 1.25), floor=first)


def _without_bus(**more: str) -> dict[str, str]:
    """Return the environment without the keyring of this machine."""
    return {name: value for name, value in environment().items() if name != "DBUS_SESSION_BUS_ADDRESS"} | more


@contextmanager
def secret_service(directory: Path) -> Iterator[str]:
    """Run a session bus with an unlocked Secret Service, and yield its address."""
    home = directory / "person"
    home.mkdir(mode=0o700)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    session = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", SESSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=env,
    )  # fmt: skip
    try:
        yield session.stdout.readline().strip() if session.stdout else ""
    finally:
        session.communicate("", timeout=30)
