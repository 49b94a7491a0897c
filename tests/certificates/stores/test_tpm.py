"""A key in a TPM: a software TPM with a resource manager, used through tpm2-pkcs11 of Debian."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from glob import glob
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.certificates.conftest import Maker

    from entrakit_emulator import Tenant

PIN = "canary-pin-1234"
SESSION = """
cd "$HOME" || exit 1
swtpm socket --tpm2 --tpmstate dir="$HOME" --server type=tcp,port="$PORT" --ctrl type=tcp,port="$CONTROL" \\
    --flags not-need-init,startup-clear &
tpm=$! manager= tries=0
trap 'kill $manager $tpm' EXIT
until tpm2_getcap properties-fixed; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 1
    [ -n "$manager" ] && kill -0 "$manager" || {
        tpm2-abrmd --session --allow-root --tcti="swtpm:host=localhost,port=$PORT" &
        manager=$!
    }
    sleep 0.1
done
tpm2_ptool init --path="$TPM2_PKCS11_STORE"
tpm2_ptool addtoken --pid=1 --label=tpm --userpin="$PIN" --sopin=12345678 --path="$TPM2_PKCS11_STORE"
tpm2_ptool addkey --algorithm=rsa2048 --label=tpm --key-label=app --userpin="$PIN" --path="$TPM2_PKCS11_STORE"
printf '%s\\n' "$DBUS_SESSION_BUS_ADDRESS" >&3
read -r _
"""
# Prints modulus and exponent of the public key on the token in hexadecimal.
PUBLIC = """
import sys, pkcs11
from pkcs11 import Attribute, ObjectClass
with pkcs11.lib(sys.argv[1]).get_token(token_label="tpm").open() as session:
    key = next(iter(session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY})))
    print(key[Attribute.MODULUS].hex(), key[Attribute.PUBLIC_EXPONENT].hex())
"""


def two_free_ports() -> int:
    """Return a free loopback port that is followed by another free one, for the control channel of the TPM."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + 1))
                return port


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield an environment with access to a TPM that has a token `tpm` with a key `app`."""
    import_module("pkcs11")
    home = tmp_path / "tpm"
    (home / "store").mkdir(parents=True)
    port = two_free_ports()
    environ = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
        "HOME": str(home),
        "PORT": str(port),
        "CONTROL": str(port + 1),
        "PIN": PIN,
        "TPM2TOOLS_TCTI": "tabrmd:bus_type=session",
        "TPM2_PKCS11_TCTI": "tabrmd:bus_type=session",
        "TPM2_PKCS11_STORE": str(home / "store"),
        "TSS2_LOG": "all+NONE",
    }
    process = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", f"exec 3>&1 >/dev/null 2>&1\n{SESSION}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert address.startswith("unix:")
        yield environ | {"DBUS_SESSION_BUS_ADDRESS": address, "ENTRAKIT_HOME": str(tmp_path / "home")}
    finally:
        process.communicate("", timeout=30)


def run(environ: dict[str, str], *words: str) -> str:
    """Run a program, and return its output."""
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.mark.timeout(120)
def test_an_app_signs_in_with_a_key_in_a_tpm(
    tpm: dict[str, str], entra_tenant: Tenant, maker: Maker, tmp_path: Path
) -> None:
    """
    The key was created in the TPM and never leaves it. The tenant accepts its signature.
    """
    (module,) = glob("/usr/lib/*/pkcs11/libtpm2_pkcs11.so")
    modulus, exponent = run(tpm, sys.executable, "-c", PUBLIC, module).split()
    public_key = RSAPublicNumbers(int(exponent, 16), int(modulus, 16)).public_key()
    pem = maker.certificate("in a TPM", public_key=public_key).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "app.pem").write_bytes(pem)
    store = tpm["TPM2_PKCS11_STORE"]
    words = ("--label=tpm", "--key-label=app", f"--path={store}", str(tmp_path / "app.pem"))
    run(tpm, "tpm2_ptool", "addcert", *words)
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, pem.decode())
    environ = tpm | {
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": PIN,
        "DBUS_SESSION_BUS_ADDRESS": tpm["DBUS_SESSION_BUS_ADDRESS"],
    }

    entra = (sys.executable, "-m", "entrakit")
    app = ("--client-id", entra_tenant.confidential_client, "--tenant-id", entra_tenant.tenant_id)
    tenant = ("--authority-url", entra_tenant.url, "--ca-bundle", entra_tenant.ca_path, "--vault-key-from", "file")
    token = ("--certificate-uri", "pkcs11:token=tpm", "--pkcs11-module", module)
    run(environ, *entra, "connect", *app, *tenant, *token)

    listed = run(environ, *entra, "certificates", "--pkcs11-module", module)
    assert "RSA 2048\tnot known\tpkcs11\tuser" in listed
