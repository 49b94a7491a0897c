"""Sources of credentials: their types, and the saved form that 0.1.0 wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.sources import (
    CertificateFile,
    CertificateSource,
    Environment,
    File,
    InKeyVault,
    InStore,
    Once,
    OnToken,
    SecretSource,
    SignedByProgram,
    absolute,
    certificate_source,
    saved_form,
    saved_secret,
    secret_source,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("argument", Once.ARGUMENT),
        ("prompt", Once.PROMPT),
        ("stdin", Once.STANDARD_INPUT),
        ("env:A:B", Environment("A:B")),
        ("file:/a b", File("/a b")),
    ],
)
def test_each_source_of_a_secret_has_a_type(text: str, source: SecretSource) -> None:
    """
    The text of `Secret.origin` becomes a type, and again the same text.
    """
    assert source == secret_source(text)
    assert type(source) is type(secret_source(text))
    assert text == saved_secret(source)


def test_an_unknown_source_counts_as_passed() -> None:
    """
    An unknown source can't be read again.
    """
    assert Once.ARGUMENT is secret_source("") is secret_source("carrier pigeon")


@pytest.mark.parametrize(
    ("saved", "source"),
    [
        ({"certificate": "argument"}, None),
        ({"path": "/a.pem"}, CertificateFile("/a.pem")),
        ({"path": "/a.pem", "password": "env:P"}, CertificateFile("/a.pem", Environment("P"))),
        (
            {"path": "/a.pem", "command": '["sign", "-k", "my key"]'},
            SignedByProgram("/a.pem", ("sign", "-k", "my key")),
        ),
        ({"thumbprint": "AB", "store": "user"}, InStore("AB", store="user")),
        ({"name": "prompt", "module": "p.so", "password": "prompt"}, InStore(None, "prompt", "", "p.so", Once.PROMPT)),
        ({"uri": "pkcs11:token=a", "module": "/p.so"}, OnToken("pkcs11:token=a", "/p.so")),
        (
            {"vault": "contoso", "vault_connection": "ops", "vault_certificate": "c"},
            InKeyVault("contoso", "ops", certificate="c"),
        ),
        (
            {"vault": "contoso", "vault_connection": "ops", "vault_secret": "s"},
            InKeyVault("contoso", "ops", secret="s"),
        ),
        (
            {"vault": "contoso", "vault_connection": "ops", "vault_key": "k", "path": "/a.pem"},
            InKeyVault("contoso", "ops", key="k", path="/a.pem"),
        ),
    ],
)
def test_each_source_of_a_certificate_has_a_type(saved: dict[str, str], source: CertificateSource | None) -> None:
    """
    The saved form of 0.1.0 becomes a type, and again the same saved form.
    """
    assert (type(source), source) == (type(certificate_source(saved)), certificate_source(saved))
    assert saved == dict(saved_form(source))


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process in another directory finds the same files. The name of a module or a program stays as it is.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")

    assert CertificateFile("/home/ada/a.pem") == absolute(CertificateFile("~/a.pem"))
    assert SignedByProgram(f"{tmp_path}/a.pem", (f"{tmp_path}/sign", "./x")) == absolute(
        SignedByProgram("a.pem", ("./sign", "./x"))
    )
    assert SignedByProgram("/a.pem", ("sign",)) == absolute(SignedByProgram("/a.pem", ("sign",)))
    assert OnToken("pkcs11:a", f"{tmp_path}/p.so") == absolute(OnToken("pkcs11:a", "./p.so"))
    assert InStore(name="a", module="opensc") == absolute(InStore(name="a", module="opensc"))
    assert InKeyVault("contoso", "ops", key="k", path=f"{tmp_path}/a") == absolute(
        InKeyVault("contoso", "ops", key="k", path="a")
    )
