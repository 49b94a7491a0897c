"""A program that signs: it gets the bytes and gives the signature, and whatever it does otherwise is told."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates.signers import command
from entrakit.certificates.signers.command import with_command
from entrakit.cli.reconnect import reconnect
from entrakit.connecting import _words
from entrakit.errors import CertificateError, ParameterError, ParameterSetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant

# OpenSSL's own tool, as somebody would use it.
OPENSSL = "openssl dgst -sha256 -sign {key} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def files(tmp_path: Path, maker: Maker, as_pem: Callable[[x509.Certificate], bytes]) -> tuple[str, str]:
    """Return the file of a certificate without its key, and that of its key."""
    (tmp_path / "app.pem").write_bytes(as_pem(maker.certificate()))
    (tmp_path / "key.pem").write_bytes(maker.key_pem())
    return str(tmp_path / "app.pem"), str(tmp_path / "key.pem")


def python(program: str) -> list[str]:
    """Return the words that run a Python program."""
    return [sys.executable, "-c", f"import sys, os, base64\ndata = sys.stdin.buffer.read()\n{program}"]


def test_an_app_signs_in_by_a_program(files: tuple[str, str], entra_tenant: Tenant) -> None:
    """
    The tenant accepts what OpenSSL signed; a later process runs the same program again.
    """
    path, key = files
    with open(path, encoding="ascii") as file:
        entra_tenant.seed.add_certificate(entra_tenant.confidential_client, file.read())
    words = OPENSSL.format(key=key).split()

    connect_any(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, name="signed",
        cloud=find_cloud(entra_tenant.url), ca_bundle=entra_tenant.ca_path, certificate_path=path,
        certificate_command=words,
    ).close()  # fmt: skip

    with get_connection("signed") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        assert shlex.join(words) in reconnect(connection.settings).replace("'", "")


@pytest.mark.parametrize("form", ["sys.stdout.buffer.write(s)", "print(base64.b64encode(s).decode())",
                                  "print(base64.urlsafe_b64encode(s).decode().rstrip('='))"])  # fmt: skip
def test_bytes_and_base64_are_taken(files: tuple[str, str], form: str) -> None:
    """
    A program may write the signature as it is, or as text with a line break.
    """
    path, key = files
    sign = OPENSSL.format(key=key).split()
    words = python(f"import subprocess\ns = subprocess.run({sign!r}, input=data, capture_output=True).stdout\n{form}")

    assert 256 == len(with_command(path, words).sign(b"message"))


@pytest.mark.parametrize(
    ("program", "words"),
    [("sys.exit(3)", "failed with code 3"), ("sys.exit('no card')", "failed with code 1: no card"),
     ("print('hello')", "gave 6 bytes, and a signature has 256"), ("", "gave 0 bytes"),
     ("sys.stdout.buffer.write(b'x' * 256)", "was not signed with its key")],
)  # fmt: skip
def test_what_a_program_does_wrong_is_told(files: tuple[str, str], program: str, words: str) -> None:
    """
    Its exit code and what it says; output that is no signature, or not of this certificate's key.
    """
    with pytest.raises(CertificateError, match=words):
        with_command(files[0], python(program)).sign(b"message")


def test_a_program_that_is_not_there_or_hangs_is_told(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is not waited for without end.
    """
    with pytest.raises(CertificateError, match="can't be run: No such file"):
        with_command(files[0], ["/nowhere/at/all"]).sign(b"message")
    monkeypatch.setattr(command, "TIMEOUT_S", 0.2)
    with pytest.raises(CertificateError, match="took longer than"):
        with_command(files[0], ["sleep", "30"]).sign(b"message")


def test_a_program_gets_none_of_our_secrets(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Variables that hold secrets are taken out of its environment, and what it complains of is redacted.
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
    No certificate, another kind of key, no file: each is told before the program is run.
    """
    (tmp_path / "ec.pem").write_bytes(as_pem(maker.certificate(key=maker.ec_key)))
    (tmp_path / "key.pem").write_bytes(maker.key_pem())

    for name, words in (("ec.pem", "RSA keys only"), ("key.pem", "holds no certificate"), ("gone.pem", "no file")):
        with pytest.raises(CertificateError, match=words):
            with_command(str(tmp_path / name), ["false"])


def test_it_goes_with_a_file_only() -> None:
    """
    A command without the certificate's file is a clash that names both.
    """
    with pytest.raises(ParameterSetError, match="certificate_command"):
        connect_any(client_id="Graph", tenant_id="contoso.com", certificate_name="x", certificate_command=["sign"])


def test_a_key_beside_the_certificate_is_not_looked_at(tmp_path: Path, maker: Maker) -> None:
    """
    It may be encrypted: nobody is asked for its password.
    """
    (tmp_path / "both.pem").write_bytes(maker.pem().split(b"-----BEGIN PRIV")[0] + maker.key_pem(password=b"canary"))

    assert "CN=app,O=Contoso" == with_command(str(tmp_path / "both.pem"), ["true"]).subject


def test_a_command_is_words_and_found_from_anywhere(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One text is refused; a path is kept as it is from any directory; what can't be a word is told.
    """
    with pytest.raises(ParameterError, match="list of words"):
        connect_any(client_id="Graph", tenant_id="contoso.com", certificate_path=files[0], certificate_command="sign")
    with pytest.raises(CertificateError, match="can't be one"):
        with_command(files[0], ["a\0b"]).sign(b"message")
    monkeypatch.chdir(tmp_path)
    assert f'["{tmp_path}/sign", "x"]' == _words(["./sign", "x"])
    assert '["sign"]' == _words(["sign"])
