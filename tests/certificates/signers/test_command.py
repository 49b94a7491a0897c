"""Signing programs: they read bytes and write a signature; any other behavior is an error."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import time
from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from entrakit import Secret, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates import Certificate
from entrakit.certificates.signers import command
from entrakit.certificates.sources import credential_from
from entrakit.cli.reconnect import reconnect
from entrakit.errors import CertificateError, CertificatePasswordError, ParameterError, ParameterSetError
from entrakit.sources import SignedByProgram, absolute, saved_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant

# The command of OpenSSL, as a user would configure it.
OPENSSL = "openssl dgst -sha256 -sign {key} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def files(tmp_path: Path, maker: Maker, as_pem: Callable[[x509.Certificate], bytes]) -> tuple[str, str]:
    """Return the file of a certificate without its key, and the file of the key."""
    (tmp_path / "app.pem").write_bytes(as_pem(maker.certificate()))
    (tmp_path / "key.pem").write_bytes(maker.key_pem())
    return str(tmp_path / "app.pem"), str(tmp_path / "key.pem")


def python(program: str) -> list[str]:
    """Return the words of a command that runs a Python program."""
    return [sys.executable, "-c", f"import sys, os, base64\ndata = sys.stdin.buffer.read()\n{program}"]


def test_the_certificate_can_be_in_a_file_with_a_password(
    tmp_path: Path, maker: Maker, entra_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The password of a PFX file is used, and a later process reads it again where it came from.
    """
    certificate = maker.certificate()
    path, key = tmp_path / "app.pfx", tmp_path / "key.pem"
    encryption = BestAvailableEncryption(b"of the file")
    path.write_bytes(serialize_key_and_certificates(b"app", maker.key, certificate, None, encryption))
    path.chmod(0o600)
    key.write_bytes(maker.key_pem())
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, certificate.public_bytes(Encoding.PEM).decode())
    monkeypatch.setenv("OPENS", "of the file")
    parameters = {
        "client_id": entra_tenant.confidential_client, "tenant_id": entra_tenant.tenant_id, "name": "signed",
        "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path, "certificate_path": str(path),
        "certificate_command": OPENSSL.format(key=key).split(),
    }  # fmt: skip

    with pytest.raises(CertificatePasswordError, match="it is encrypted, and no password was given"):
        connect_any(**parameters)
    connect_any(**parameters, certificate_password=Secret.from_env("OPENS")).close()

    with get_connection("signed") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        assert reconnect(connection.info).endswith(" --certificate-password-env OPENS")


def with_command(path: str, words: list[str]) -> Certificate:
    """Return the certificate of a file, with a program that signs."""
    found = credential_from(SignedByProgram(path, tuple(words)), None, 0.0)
    assert isinstance(found, Certificate)
    return found


def test_an_app_signs_in_with_a_program(files: tuple[str, str], entra_tenant: Tenant) -> None:
    """
    The tenant accepts a signature of OpenSSL, and a later process runs the same program again.
    """
    path, key = files
    with open(path, encoding="ascii") as file:
        entra_tenant.seed.add_certificate(entra_tenant.confidential_client, file.read())
    words = OPENSSL.format(key=key).split()

    connect_any(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        name="signed",
        cloud=find_cloud(entra_tenant.url),
        ca_bundle=entra_tenant.ca_path,
        certificate_path=path,
        certificate_command=words,
    ).close()

    with get_connection("signed") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        assert shlex.join(words) in reconnect(connection.info).replace("'", "")


@pytest.mark.parametrize(
    "form",
    [
        "sys.stdout.buffer.write(s)",
        "print(base64.b64encode(s).decode())",
        "print(base64.urlsafe_b64encode(s).decode().rstrip('='))",
    ],
)
def test_bytes_and_base64_are_accepted(files: tuple[str, str], form: str) -> None:
    """
    A program can write the signature as bytes, or as base64 with a line break.
    """
    path, key = files
    sign = OPENSSL.format(key=key).split()
    words = python(f"import subprocess\ns = subprocess.run({sign!r}, input=data, capture_output=True).stdout\n{form}")

    assert 256 == len(with_command(path, words).sign(b"message"))


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("sys.exit(3)", "failed with code 3"),
        ("sys.exit('no card')", "failed with code 1: no card"),
        (r"sys.exit('no\x1b[2J\n\u202ecard\x9b')", r"failed with code 1: no\[2J card\."),
        ("print('hello')", "wrote 6 bytes, but a signature has 256"),
        ("print('%' * 344)", "wrote 345 bytes"),
        ("", "wrote 0 bytes"),
        ("sys.stdout.buffer.write(b'x' * 256)", "was not made with the key"),
    ],
)
def test_a_failing_program_is_reported(files: tuple[str, str], program: str, words: str) -> None:
    """
    The error has the exit code and the error output, or says that the output is not a signature by this key.
    """
    with pytest.raises(CertificateError, match=words):
        with_command(files[0], python(program)).sign(b"message")


@pytest.mark.parametrize("output", ["stdout", "stderr"])
def test_a_program_that_does_not_stop_writing_is_killed(files: tuple[str, str], output: str) -> None:
    """
    No more than 64 KiB of either output is kept: an endless one ends with an error, at once.
    """
    program = f"while True: sys.{output}.buffer.write(b'x' * 65536)"

    begin = time.monotonic()
    with pytest.raises(CertificateError, match="wrote more than 64 KiB"):
        with_command(files[0], python(program)).sign(b"message")
    assert time.monotonic() - begin < command.TIMEOUT_S / 2


def test_a_program_that_does_not_read_is_reported(files: tuple[str, str]) -> None:
    """
    A message that is larger than the buffer of a pipe does not block if the program ends without reading it.
    """
    with pytest.raises(CertificateError, match="failed with code 1: no card"):
        with_command(files[0], ["sh", "-c", "echo no card >&2; exit 1"]).sign(b"x" * 1024 * 1024)


def test_a_program_that_leaves_its_output_open_is_reported(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A background process that keeps the output open does not hold the caller longer than the timeout.
    """
    monkeypatch.setattr(command, "TIMEOUT_S", 0.5)

    with pytest.raises(CertificateError, match="took longer than"):
        with_command(files[0], ["sh", "-c", "sleep 5 & exit 0"]).sign(b"message")


def test_a_missing_and_a_hanging_program_are_reported(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A program that does not exist can't be started, and one that hangs is killed after a timeout.
    """
    with pytest.raises(CertificateError, match=f"can't be started: {os.strerror(errno.ENOENT)}"):
        with_command(files[0], ["/nowhere/at/all"]).sign(b"message")
    monkeypatch.setattr(command, "TIMEOUT_S", 0.2)
    with pytest.raises(CertificateError, match="took longer than"):
        with_command(files[0], ["sleep", "30"]).sign(b"message")


def test_a_program_gets_no_secrets(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Variables with secrets are removed from the program's environment, and its error output is redacted.
    """
    for name in ("AZURE_CLIENT_SECRET", "ENTRAKIT_VAULT_KEY", "AZURE_PASSWORD"):
        monkeypatch.setenv(name, "canary")

    with pytest.raises(CertificateError) as caught:
        with_command(files[0], python("sys.exit(str(dict(os.environ)))")).sign(b"message")
    assert "canary" not in str(caught.value)
    assert "PATH" in str(caught.value) or len(str(caught.value)) > 200


def test_the_file_needs_a_certificate_with_an_rsa_key(
    tmp_path: Path, maker: Maker, as_pem: Callable[[x509.Certificate], bytes]
) -> None:
    """
    A missing file, a file without a certificate, and a key of another type are reported before the program runs.
    """
    (tmp_path / "ec.pem").write_bytes(as_pem(maker.certificate(key=maker.ec_key)))
    (tmp_path / "key.pem").write_bytes(maker.key_pem())

    problems = {"ec.pem": "RSA keys only", "key.pem": "contains no certificate", "gone.pem": "does not exist"}
    for name, words in problems.items():
        with pytest.raises(CertificateError, match=words):
            with_command(str(tmp_path / name), ["false"])


def test_a_command_requires_a_file() -> None:
    """
    A command without the file of the certificate is a parameter error that names the command.
    """
    with pytest.raises(ParameterSetError, match="certificate_command"):
        connect_any(client_id="Graph", tenant_id="contoso.com", certificate_name="x", certificate_command=["sign"])


def test_a_key_next_to_the_certificate_is_not_read(tmp_path: Path, maker: Maker) -> None:
    """
    A key in the file of the certificate can be encrypted; its password is not required.
    """
    (tmp_path / "both.pem").write_bytes(maker.pem().split(b"-----BEGIN PRIV")[0] + maker.key_pem(password=b"canary"))

    assert "CN=app,O=Contoso" == with_command(str(tmp_path / "both.pem"), ["true"]).subject


def test_a_command_is_a_list_of_words_with_an_absolute_path(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A single string is refused. A relative path becomes absolute, so that it works from any directory. A word with a
    zero byte is reported.
    """
    with pytest.raises(ParameterError, match="list of words"):
        connect_any(client_id="Graph", tenant_id="contoso.com", certificate_path=files[0], certificate_command="sign")
    with pytest.raises(CertificateError, match="contains an invalid character"):
        with_command(files[0], ["a\0b"]).sign(b"message")
    monkeypatch.chdir(tmp_path)
    program = absolute(SignedByProgram("a.pem", ("./sign", "x")))
    assert (("path", f"{tmp_path}/a.pem"), ("command", f'["{tmp_path}/sign", "x"]')) == saved_form(program)
    assert ("sign",) == cast("SignedByProgram", absolute(SignedByProgram("a.pem", ("sign",)))).command
