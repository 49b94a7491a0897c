"""A container: no HOME, no keyring, a read-only root, and `entra` as a separate process."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit_emulator import Tenant

KEY = base64.b64encode(bytes(range(32))).decode()
# A separate mount namespace, in which everything except one directory in memory is read-only.
READ_ONLY = 'mount -t tmpfs -o mode=0700 none "$0" && mount -o remount,bind,ro / && exec sh -c "$1"'
ENTRA = f"{sys.executable} -P -m entrakit"


def can_mount(directory: Path) -> bool:
    """Return whether this process is allowed to create such a namespace."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(directory), "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def environ_of(tenant: Tenant, **more: str) -> dict[str, str]:
    """Return the whole environment of such a process."""
    return {
        "PATH": os.environ["PATH"], "AZURE_CLIENT_ID": tenant.confidential_client, "PYTHONDONTWRITEBYTECODE": "1",
        "AZURE_TENANT_ID": tenant.tenant_id, "AZURE_CLIENT_SECRET": tenant.client_secret,
        "AZURE_AUTHORITY_HOST": tenant.url, "SSL_CERT_FILE": tenant.ca_path, **more,
    }  # fmt: skip


def run(script: str, environ: dict[str, str], *around: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with exactly this environment."""
    return subprocess.run(
        [*around, "sh", "-c", script] if not around else [*around, script],
        capture_output=True, text=True, env=environ, check=False, timeout=50, cwd="/",
    )  # fmt: skip


def test_without_a_home_it_is_said_what_to_set(entra_tenant: Tenant) -> None:
    """
    Without a home directory nothing is written: the error names the variable before the sign-in.
    """
    entra_tenant.journal.clear()
    for command in ("connect", "token", "status", "vault check"):
        done = run(f"{ENTRA} {command}", environ_of(entra_tenant))

        assert (8, "") == (done.returncode, done.stdout), done.stderr
        assert "There is no home directory" in done.stderr
        assert "Set ENTRAKIT_HOME" in done.stderr
    assert 0 == entra_tenant.journal.counts.get("token", 0)


@pytest.mark.parametrize(("more", "where"), [({}, "file"), ({"ENTRAKIT_VAULT_KEY": KEY}, "environment")])
def test_a_read_only_root_needs_one_directory(
    entra_tenant: Tenant, tmp_path: Path, more: dict[str, str], where: str
) -> None:
    """
    Without HOME and with one writable directory, entrakit connects, saves, prints tokens and signs out.
    """
    home = tmp_path / "memory"
    home.mkdir(mode=0o700)
    if not can_mount(home):
        pytest.skip("no right to make a mount namespace")
    script = (
        f"set -e; ! touch /entrakit-test 2>/dev/null; {ENTRA} connect -q; {ENTRA} token >/dev/null; "
        f"{ENTRA} status --json; {ENTRA} vault check -q >/dev/null; {ENTRA} disconnect -q; "
        'find "$ENTRAKIT_HOME" -type f -not -path "*/metadata/*" | wc -l'
    )
    environ = environ_of(entra_tenant, ENTRAKIT_HOME=str(home), **more)

    done = run(script, environ, "unshare", "--mount", "sh", "-c", READ_ONLY, str(home))

    assert (0, "") == (done.returncode, done.stderr)
    assert f'"key_from": "{where}"' in done.stdout
    assert done.stdout.endswith("]\n0\n")


def test_a_read_only_home_is_told_and_still_read(entra_tenant: Tenant, tmp_path: Path) -> None:
    """
    If nothing can be written, a saved fresh token is still returned. Connecting is refused before the sign-in, and
    saved connections do not change.
    """
    home, memory = tmp_path / "kept", tmp_path / "memory"
    for path in (home, memory):
        path.mkdir(mode=0o700)
    if not can_mount(memory):
        pytest.skip("no right to make a mount namespace")
    environ = environ_of(entra_tenant, ENTRAKIT_HOME=str(home))
    assert 0 == run(f"{ENTRA} connect", environ).returncode
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    entra_tenant.journal.clear()
    script = f"{ENTRA} token; {ENTRA} connect --name other; echo $?; {ENTRA} disconnect; echo $?"

    done = run(script, environ, "unshare", "--mount", "sh", "-c", READ_ONLY, str(memory))

    token, *codes = done.stdout.split()
    assert (["8", "8"], True) == (codes, len(token) > 100), done.stderr
    assert "Read-only file system" in done.stderr
    assert "set ENTRAKIT_HOME to a directory that can be written" in done.stderr
    assert 0 == entra_tenant.journal.counts.get("token", 0)
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
