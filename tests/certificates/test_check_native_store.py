"""`scripts/check-native-store`: it signs in with a certificate of a store, and fails if the outcome is unexpected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes

if TYPE_CHECKING:
    from tests.certificates.conftest import Maker

CHECK = Path(__file__).parents[2] / "scripts" / "check-native-store"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 0, "token, expected token"),
        (("--expect", "listed"), 0, "listed, expected listed"),
        (("--expect", "refusal"), 1, "token, expected refusal"),
        (("--not-exportable",), 1, "FAILED: the key of"),
    ],
)
def test_the_script_signs_in(
    maker: Maker, private_home: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """
    The script that CI runs on Windows and macOS signs in on this system too, with a store of this system.
    """
    certificate = maker.certificate()
    (private_home / "certificates").mkdir()
    (private_home / "certificates" / "app.pfx").write_bytes(maker.pfx(certificate))
    (private_home / "certificates" / "app.pfx").chmod(0o600)
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex()

    done = subprocess.run(
        [sys.executable, str(CHECK), thumbprint, "--store", "directory", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (code, "") == (done.returncode, done.stderr)
    assert words in done.stdout.splitlines()[-1]
