"""Files that options and arguments name: one mistake has one exit code, whichever command makes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Result

PHRASE = {"ENTRAKIT_EXPORT_PASSPHRASE": "a long enough phrase"}
PEM = "{ca}"
TO_READ = {
    "--ca-bundle": ("connect", "--ca-bundle", "{file}", "--client-secret-env", "AZURE_CLIENT_SECRET"),
    "--client-secret-file": ("connect", "--client-secret-file", "{file}"),
    "--certificate-path": ("connect", "--certificate-path", "{file}"),
    "--certificate-password-file": ("connect", "--certificate-path", PEM, "--certificate-password-file", "{file}"),
    "--password-file": ("connect", "--username", "ada", "--password-file", "{file}"),
    "--pkcs11-module": ("connect", "--certificate-uri", "pkcs11:token=t", "--pkcs11-module", "{file}"),
    "certificates": ("certificates", "--pkcs11-module", "{file}"),
    "--body": ("request", "POST", "/users", "--yes", "--body", "@{file}"),
    "batch": ("batch", "{file}", "--yes"),
    "import": ("vault", "import", "{file}"),
    "import --passphrase-file": ("vault", "import", PEM, "--passphrase-file", "{file}"),
    "export --passphrase-file": ("vault", "export", "{new}", "--passphrase-file", "{file}"),
    "--restore": ("emulator", "--restore", "{file}"),
}
TO_WRITE = {
    "connect": ("connect", "--client-secret-env", "AZURE_CLIENT_SECRET", "--name", "other", "--out-file", "{file}"),
    "status": ("status", "--out-file", "{file}"),
    "inspect": ("inspect", "--out-file", "{file}"),
    "use": ("use", "other", "--out-file", "{file}"),
    "disconnect": ("disconnect", "--out-file", "{file}"),
    "request": ("request", "GET", "/users", "--out-file", "{file}"),
    "--all": ("request", "GET", "/users", "--all", "--out-file", "{file}"),
    "--all csv": ("request", "GET", "/users", "--all", "--output", "csv", "--out-file", "{file}"),
    "batch": ("batch", "-", "--yes", "--out-file", "{file}"),
    "delta": ("delta", "/users/delta", "--session", "{new}", "--out-file", "{file}"),
    "--session": ("delta", "/users/delta", "--session", "{file}"),
    "check": ("vault", "check", "--out-file", "{file}"),
    "path": ("vault", "path", "--out-file", "{file}"),
    "rekey": ("vault", "rekey", "--out-file", "{file}"),
    "export": ("vault", "export", "{file}"),
    "certificates": ("certificates", "--certificate-store", "directory", "--out-file", "{file}"),
    "completion": ("completion", "bash", "--out-file", "{file}"),
    "--install": ("completion", "bash", "--install", "--out-file", "{file}"),
    "emulator": ("emulator", "--out-file", "{file}"),
    "--snapshot": ("emulator", "--snapshot", "{file}"),
    "demo": ("demo", "--out-file", "{file}"),
}

# A secret can be any string, so the service or the next check refuses it; a list of tokens names the module.
OF_ANY_CONTENT = (
    *("--client-secret-file", "--password-file", "--certificate-password-file", "certificates"),
    *("import --passphrase-file", "export --passphrase-file"),
)


def run(entra: Command, words: tuple[str, ...], file: str, new: Path) -> Result:
    """Run a command with a file in the place of `{file}`."""
    tenant = entra.tenant
    values = {"file": file, "new": str(new), "ca": tenant.ca_path}
    filled = [word.format(**values) for word in words]
    given = '{"id": "1", "method": "GET", "url": "/users"}\n'
    entra.environ |= PHRASE
    if filled[0] != "connect":
        return entra(*filled, given=given)
    target = ["--authority-url", tenant.url, "--tenant-id", tenant.tenant_id]
    target += [] if "--ca-bundle" in filled else ["--ca-bundle", tenant.ca_path]
    return entra(*filled, *target, "--client-id", tenant.confidential_client)


@pytest.mark.parametrize("option", TO_READ)
@pytest.mark.parametrize("kind", ["missing", "missing directory", "directory", "no name"])
def test_a_file_that_cannot_be_read(connected: Command, tmp_path: Path, option: str, kind: str) -> None:
    """
    The exit code is 2, the error names the file and a next step, and nothing is sent.
    """
    directory = tmp_path / "a directory"
    directory.mkdir()
    file = {
        "missing": str(tmp_path / "gone"), "missing directory": str(tmp_path / "no" / "gone"),
        "directory": str(directory), "no name": "",
    }[kind]  # fmt: skip
    sent = len(connected.tenant.journal.entries)

    result = run(connected, TO_READ[option], file, tmp_path / "new")

    assert 2 == result.code, result.error
    assert 1 == result.error.count("Error: ")
    assert "\n  Next: " in result.error
    assert file in result.error
    assert "" == result.output
    assert sent == len(connected.tenant.journal.entries)


@pytest.mark.parametrize("option", [*(name for name in TO_READ if name not in OF_ANY_CONTENT), "--session"])
@pytest.mark.parametrize("content", [b"", b"[precious", bytes(range(256))], ids=["empty", "text", "binary"])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_of_something_else(connected: Command, tmp_path: Path, option: str, content: bytes, mode: int) -> None:
    """
    A file that is not what the option requires has the exit code of a file that can't be read. It stays as it is, and
    nothing is sent.
    """
    file = tmp_path / "file"
    file.write_bytes(content)
    file.chmod(mode)
    sent = len(connected.tenant.journal.entries)

    result = run(connected, TO_READ.get(option) or TO_WRITE[option], str(file), tmp_path / "new")

    assert 2 == result.code, result.error
    assert 1 == result.error.count("Error: ")
    assert "\n  Next: " in result.error
    assert (content, "") == (file.read_bytes(), result.output)
    assert sent == len(connected.tenant.journal.entries)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a link to another user")
@pytest.mark.parametrize("option", TO_WRITE)
def test_a_link_of_another_user(connected: Command, tmp_path: Path, option: str) -> None:
    """
    A link that another user may have put there is refused like any file that can't be written.
    """
    shared, target = tmp_path / "shared", tmp_path / "target"
    shared.mkdir()
    shared.chmod(0o1777)
    target.write_text("precious")
    target.chmod(0o600)
    file = shared / "link"
    file.symlink_to(target)
    os.lchown(file, 12345, 12345)
    sent = len(connected.tenant.journal.entries)

    result = run(connected, TO_WRITE[option], str(file), tmp_path / "session")

    assert 1 == result.code, result.error
    assert f"Error: {file} can't be written: it is a " in result.error
    assert "\n  Next: " in result.error
    assert "precious" == target.read_text()
    assert sent == len(connected.tenant.journal.entries)


@pytest.mark.parametrize("option", TO_WRITE)
@pytest.mark.parametrize("kind", ["directory", "missing directory", "below a file"])
def test_a_file_that_cannot_be_written(connected: Command, tmp_path: Path, option: str, kind: str) -> None:
    """
    The exit code is 1, the error names the file and a next step, and nothing was sent or changed before.
    """
    directory, present = tmp_path / "a directory", tmp_path / "a file"
    directory.mkdir()
    present.touch()
    file = {"directory": directory, "missing directory": tmp_path / "no" / "new", "below a file": present / "new"}[kind]
    before = connected("status", "--json").output
    sent = len(connected.tenant.journal.entries)

    result = run(connected, TO_WRITE[option], str(file), tmp_path / "session")

    assert 1 == result.code, result.error
    assert 1 == result.error.count("Error: ")
    assert "can't be written: " in result.error
    assert "\n  Next: " in result.error
    assert str(file) in result.error
    assert "" == result.output
    assert sent == len(connected.tenant.journal.entries)
    assert before == connected("status", "--json").output


@pytest.mark.parametrize("option", [*TO_READ, *TO_WRITE])
def test_a_relative_path_needs_a_working_directory(
    connected: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """
    If the working directory was removed, the error says so, whichever option has the relative path.
    """
    gone = tmp_path / "removed"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    sent = len(connected.tenant.journal.entries)

    result = run(connected, (TO_READ | TO_WRITE)[option], "./a-file", tmp_path / "new")

    assert 2 == result.code, result.error
    assert 1 == result.error.count("Error: ")
    assert "The path './a-file' is relative, and the working directory does not exist any more." in result.error
    assert "\n  Next: Give an absolute path, or change to a directory that exists." in result.error
    assert ("", sent) == (result.output, len(connected.tenant.journal.entries))


def test_a_missing_directory_of_ca_certificates_is_named(connected: Command, tmp_path: Path) -> None:
    """
    A directory that OpenSSL does not read, because its files have no hashed names, is an error before the sign-in.
    """
    (tmp_path / "ca.pem").write_bytes(Path(connected.tenant.ca_path).read_bytes())

    result = run(connected, TO_READ["--ca-bundle"], str(tmp_path), tmp_path / "new")

    assert 2 == result.code
    assert f"can't be read from {str(tmp_path)!r}: it contains no files with hashed names." in result.error
    assert "openssl rehash" in result.error


def test_a_script_is_written_to_a_file(connected: Command, tmp_path: Path) -> None:
    """
    `entra completion bash --out-file FILE` writes the script that it prints otherwise.
    """
    out = tmp_path / "entra.bash"

    result = connected("completion", "bash", "--out-file", str(out))

    assert (0, "") == (result.code, result.output)
    assert connected("completion", "bash").output == out.read_text()
