"""Completion scripts: each shell completes commands, options and values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import commands
from entrakit.cli.completion.scripts import SHELLS, script
from entrakit.cli.completion.tree import branches

if TYPE_CHECKING:
    from tests.cli.completion.conftest import Shell
    from tests.cli.conftest import Command


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_command_and_option(shell: str) -> None:
    """
    The scripts have every command and option, because they are made from the table.
    """
    text = script(shell)

    for branch in branches():
        assert f"'{branch.path}'" in text
        assert all(option.long.removeprefix("--") in text for option in branch.options)
    assert not re.search(r"%\(", text)


@pytest.mark.parametrize(
    ("line", "expected", "missing"),
    [
        ("entra ", {"connect", "vault", "completion"}, {"check", "--help"}),
        ("entra va", {"vault"}, {"connect"}),
        ("entra --json vault ", {"path", "check", "rekey", "export", "import"}, {"connect"}),
        ("entra help vault ch", {"check"}, {"import"}),
        ("entra --vault-key-from key", {"keyring"}, {"file"}),
        ("entra --vault-key-from keyring vault e", {"export"}, {"import"}),
        ("entra vault import --re", {"--replace"}, {"--passphrase-file"}),
        ("entra vault import no", {"notes.txt"}, {"--name"}),
        ("entra request --body x P", {"POST", "PATCH", "PUT"}, {"GET"}),
        ("entra token --output h", {"header"}, {"raw"}),
        ("entra token --output=h", {"header"}, {"raw"}),
        ("entra token -o h", {"header"}, {"raw"}),
        ("entra connect --cloud us", {"usgov", "usgov-dod"}, {"global"}),
        ("entra connect --prompt lo", {"login"}, {"consent"}),
        ("entra connect --certificate-store p", {"pkcs11"}, {"user"}),
        ("entra connect --certificate-path no", {"notes.txt"}, set()),
        ("entra completion f", {"fish"}, {"bash"}),
    ],
)
def test_shells_complete(shell: Shell, line: str, expected: set[str], missing: set[str]) -> None:
    """
    A real shell completes commands at any depth, options, and their values: words, and files where files are due.
    """
    offered = {re.sub("^--output=", "", word) for word in shell.complete(line)}

    assert expected == offered & (expected | missing)


def test_files_of_a_body_are_completed_after_an_at_sign(shell: Shell) -> None:
    """
    A body is JSON, or @ and a file; bash makes two words of that.
    """
    line = "entra request POST /users --body"

    assert {"notes.txt"} == {word.removeprefix("@") for word in shell.complete(f"{line} @no")}
    assert set() == shell.complete(f"{line} no")
    if shell.name == "bash":
        assert {"notes.txt"} == shell.complete(f"{line} @ no")


def test_names_of_connections_are_completed(shell: Shell, connected: Command) -> None:
    """
    The names of saved connections are completed wherever a command takes one.
    """
    assert 0 == connected.connect("--name", "work", app=True).code

    for line in (
        "use ",
        "disconnect w",
        "token --name ",
        "status --name=",
        "vault export file --name w",
        "connect --key-vault-connection ",
    ):
        offered = {word.rpartition("=")[2] for word in shell.complete(f"entra {line}")}
        assert "work" in offered, line
        assert ("default" in offered) == (line[-1] in " ="), line


def test_names_of_profiles_are_completed(shell: Shell) -> None:
    """
    The profiles of the configuration file are completed where a command takes one.
    """
    folder = shell.directory.parent / ".config" / "entrakit"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "config.toml").write_text("[profiles.work]\n[profiles.home]\n")
    (folder / "config.toml").chmod(0o600)

    for line in ("connect --profile ", "connect --profile=w", "config --profile w"):
        offered = {word.rpartition("=")[2] for word in shell.complete(f"entra {line}")}
        assert "work" in offered, line
        assert ("home" in offered) == (line[-1] in " ="), line


def test_each_command_is_completed(shell: Shell) -> None:
    """
    After its first words, every command is offered.
    """
    for prefix in {command.path.rpartition(" ")[0] for command in commands()}:
        names = {one.path.rpartition(" ")[2] for one in commands() if one.path.rpartition(" ")[0] == prefix}
        assert names <= shell.complete(f"entra {prefix} ".replace("  ", " "))


def test_powershell_has_the_values() -> None:
    """
    The script of PowerShell, which is not run here, has the values of options and arguments.
    """
    text = script("powershell")

    assert "'connect --prompt' = @('login', 'none', 'consent', 'select_account')" in text
    assert "'vault import 0' = @('<files>')" in text
    assert "'connect --profile' = @('<profiles>')" in text
    assert text.count("{") == text.count("}")
    assert text.count("(") == text.count(")")
