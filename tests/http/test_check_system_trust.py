"""`scripts/check-system-trust`: the script that CI runs with the store of each system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrakit.http.transport_async import require_httpx2

CHECK = Path(__file__).parents[2] / "scripts" / "check-system-trust"


@pytest.mark.parametrize(
    ("command", "code", "last"),
    [
        ('cp "{ca}" "$SSL_CERT_DIR"/ca.pem && openssl rehash "$SSL_CERT_DIR"', 0, "ok: under another name"),
        ("true", 1, "ok: under another name"),
    ],
)
def test_the_script_compares_before_and_after(command: str, code: int, last: str, tmp_path: Path) -> None:
    """
    With a directory in the place of the system's, the script passes if the CA is added to it, and else it fails.
    """
    require_httpx2()
    kept = {name: value for name, value in os.environ.items() if "CERT" not in name and "BUNDLE" not in name}
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    # A directory without hashed names is refused.
    (trusted / "12345678.0").touch()

    done = subprocess.run(
        [sys.executable, CHECK, "--add", command],
        env=kept | {"SSL_CERT_DIR": str(trusted)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (code, "") == (done.returncode, done.stderr)
    assert done.stdout.splitlines()[-1].startswith(last)
    assert ("FAILED: afterwards: TlsError" in done.stdout) == (code == 1)
