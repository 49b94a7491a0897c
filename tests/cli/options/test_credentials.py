"""Credentials of `entra connect`: where they are read from, and what is not taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from entrakit.cli.reconnect import reconnect
from entrakit.connection import record
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command

ADA = "ada@contoso.example"


@pytest.mark.parametrize("where", ["stdin", "file", "env"])
@pytest.mark.parametrize("kind", ["client-secret", "password"])
def test_a_secret_comes_from_where_the_option_says(entra: Command, tmp_path: Path, kind: str, where: str) -> None:
    """
    An option names standard input, a file or a variable, which is used instead of the usual variable.
    """
    is_app = kind == "client-secret"
    secret = entra.tenant.client_secret if is_app else entra.tenant.users.normal.password
    file = tmp_path / "secret"
    file.write_text(secret)
    entra.environ |= {"MINE": secret, "AZURE_CLIENT_SECRET": "wrong", "AZURE_PASSWORD": "wrong"}
    value = {"stdin": [], "file": [str(file)], "env": ["MINE"]}[where]
    who = [] if is_app else ["--username", ADA]

    result = entra.connect(*who, f"--{kind}-{where}", *value, app=is_app, given=secret)

    assert 0 == result.code, result.error


@pytest.mark.parametrize(
    "words",
    [
        ["--client-secret-stdin", "--client-secret-file", "a"],
        ["--client-secret", "--client-secret-env", "MINE"],
        ["--username", ADA, "--password-stdin", "--password-env", "MINE"],
        ["--certificate-path", "a", "--certificate-password-file", "a", "--certificate-password-env", "MINE"],
    ],
)
def test_two_sources_of_one_secret_are_refused(entra: Command, words: list[str]) -> None:
    """
    None of two sources is preferred silently; the error names both.
    """
    entra.environ["MINE"] = "x"

    result = entra.connect(*words, given="x")

    assert 2 == result.code
    assert (
        f"{' and '.join(one for one in words[-4:] if one.startswith('--client-s') or 'word-' in one)} both"
        in result.error
    )


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"AZURE_CLIENT_SECRET": ""}, "AZURE_CLIENT_SECRET is set, but empty."),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": ""}, "AZURE_CLIENT_CERTIFICATE_PATH is set, but empty."),
        ({"AZURE_USERNAME": ""}, "AZURE_USERNAME is set, but empty."),
        ({"AZURE_USERNAME": ADA, "AZURE_PASSWORD": ""}, "AZURE_PASSWORD is set, but empty."),
        ({"AZURE_USERNAME": "", "AZURE_PASSWORD": ""}, "AZURE_USERNAME and AZURE_PASSWORD are set, but empty."),
        ({"AZURE_CLIENT_SECRET": "\n"}, "The secret from the environment variable AZURE_CLIENT_SECRET is empty."),
        ({"AZURE_AUTHORITY_HOST": ""}, "AZURE_AUTHORITY_HOST is set, but empty."),
        ({"ENTRAKIT_GRAPH_URL": ""}, "ENTRAKIT_GRAPH_URL is set, but empty."),
        ({"AZURE_CLIENT_ID": ""}, "AZURE_CLIENT_ID is set, but empty."),
        ({"AZURE_TENANT_ID": ""}, "AZURE_TENANT_ID is set, but empty."),
    ],
)
def test_an_empty_variable_is_named(entra: Command, environ: dict[str, str], named: str, *, terminal: bool) -> None:
    """
    A variable that is set and empty is an error, and no other way to sign in, user or address is taken instead.
    """
    ids = {"AZURE_CLIENT_ID": entra.tenant.confidential_client, "AZURE_TENANT_ID": entra.tenant.tenant_id}
    entra.environ |= ids | environ
    where = [] if "AZURE_AUTHORITY_HOST" in environ else ["--authority-url", entra.tenant.url]

    result = entra("connect", *where, "--ca-bundle", entra.tenant.ca_path, terminal=terminal)

    assert (2, "") == (result.code, result.output)
    assert named in result.error
    assert [] == entra.tenant.journal.entries


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "words", [("--port", "8400"), ("--login-hint", ADA), ("--prompt", "login"), ("--domain-hint", "a")]
)
@pytest.mark.parametrize(
    "name", ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD", "AZURE_USERNAME"]
)
def test_a_hint_does_not_outweigh_an_empty_variable(
    entra: Command, name: str, words: tuple[str, ...], *, terminal: bool
) -> None:
    """
    A hint for the sign-in page does not say how to sign in. `--login-hint` says which user does, so AZURE_USERNAME does
    not matter then.
    """
    entra.environ[name] = ""

    result = entra.connect(*words, "--timeout", "1", terminal=terminal)

    is_said = (name, words[0]) == ("AZURE_USERNAME", "--login-hint")
    assert is_said != (f"{name} is set, but empty." in result.error)
    if not is_said:
        assert 2 == result.code
        assert [] == entra.tenant.journal.entries


@pytest.mark.parametrize(("environ", "words", "named"), [
    ({"ENTRAKIT_VAULT": ""}, (), "ENTRAKIT_VAULT is"),
    ({"ENTRAKIT_HOME": ""}, (), "ENTRAKIT_HOME is"),
    ({"ENTRAKIT_HOME": "", "ENTRAKIT_VAULT": "{home}"}, (), ""),
    ({"ENTRAKIT_VAULT_KEY": ""}, (), "ENTRAKIT_VAULT_KEY is"),
    ({"ENTRAKIT_VAULT_KEY": ""}, ("--vault-key-from", "environment"), "ENTRAKIT_VAULT_KEY is"),
    ({"ENTRAKIT_VAULT_KEY": ""}, ("--vault-key-from", "file"), ""),
    ({"ENTRAKIT_VAULT_KEY": "", "ENTRAKIT_VAULT_KEY_FROM": "file"}, (), ""),
    ({"ENTRAKIT_VAULT_KEY_FROM": ""}, (), "ENTRAKIT_VAULT_KEY_FROM is"),
    ({"ENTRAKIT_VAULT_KEY_FROM": ""}, ("--vault-key-from", "file"), ""),
    ({"ENTRAKIT_VAULT_KEY": "", "ENTRAKIT_VAULT": ""}, (), "ENTRAKIT_VAULT and ENTRAKIT_VAULT_KEY are"),
])  # fmt: skip
@pytest.mark.parametrize("command", [
    ("connect", "--client-secret-env", "MINE"), ("status",), ("token",), ("request", "GET", "/me"), ("use", "default"),
    ("disconnect",), ("vault", "path"), ("vault", "check"),
])  # fmt: skip
def test_no_other_vault_and_no_other_key_is_taken(
    entra: Command, private_home: Path, command: tuple[str, ...], environ: dict[str, str], words: tuple[str, ...],
    named: str,
) -> None:  # fmt: skip
    """
    A variable of the vault that is set and empty is an error of every command, unless an option or another variable
    says which vault or key it is.
    """
    entra.environ |= {name: text.format(home=private_home) for name, text in environ.items()}
    entra.environ["MINE"] = entra.tenant.client_secret

    result = entra.connect(*command[1:], *words, app=True) if command[0] == "connect" else entra(*command, *words)

    assert bool(named) == ("set, but empty" in result.error)
    assert named in result.error
    if named:
        assert 2 == result.code
        assert not list(private_home.iterdir())


def test_an_empty_passphrase_is_named(connected: Command, tmp_path: Path) -> None:
    """
    Without a terminal nobody can type the passphrase that the empty variable lacks; a file outweighs the variable.
    """
    phrase = tmp_path / "phrase"
    phrase.write_text("a long enough phrase")
    connected.environ["ENTRAKIT_EXPORT_PASSPHRASE"] = ""

    refused = connected("vault", "export", str(tmp_path / "out"))
    made = connected("vault", "export", str(tmp_path / "out"), "--passphrase-file", str(phrase))

    assert (2, True) == (refused.code, "ENTRAKIT_EXPORT_PASSPHRASE is set, but empty." in refused.error)
    assert 0 == made.code, made.error


@pytest.mark.parametrize("words", [("connect", "--certificate-name", "a"), ("certificates",)])
def test_no_other_directory_of_certificates_is_searched(entra: Command, words: tuple[str, ...]) -> None:
    """
    The directory of the computer's certificates is not replaced by the usual one.
    """
    entra.environ["ENTRAKIT_MACHINE_CERTIFICATES"] = ""

    result = entra.connect(*words[1:], app=True) if words[0] == "connect" else entra(*words)

    assert (2, True) == (result.code, "ENTRAKIT_MACHINE_CERTIFICATES is set, but empty." in result.error)


def test_another_way_to_sign_in_outweighs_an_empty_variable(entra: Command) -> None:
    """
    An option, or another variable that is not empty, says how to sign in.
    """
    secret = entra.tenant.client_secret
    entra.environ |= {"AZURE_CLIENT_SECRET": "", "AZURE_PASSWORD": "", "AZURE_CLIENT_CERTIFICATE_PATH": ""}

    assert 0 == entra.connect("--client-secret-stdin", app=True, given=secret).code
    entra.environ["AZURE_CLIENT_SECRET"] = secret
    assert 0 == entra.connect(app=True).code
    asked = entra.connect("--username", ADA)
    assert (2, True) == (asked.code, "AZURE_PASSWORD is set, but empty." in asked.error)


@pytest.mark.parametrize(
    "option",
    [
        *("--client-secret-file", "--client-secret-env", "--certificate-path", "--certificate-password-env"),
        *("--username", "--password-file", "--login-hint", "--client-id", "--tenant-id", "--scope", "--resource"),
        *("--cloud", "--authority-url", "--graph-url", "--name", "--ca-bundle", "--proxy", "--key-vault"),
        *("--certificate-command", "--timeout"),
    ],
)
def test_an_empty_option_is_named(entra: Command, option: str) -> None:
    """
    An option whose value is empty, as an unset variable of a shell makes it, does not count as not given.
    """
    entra.environ["AZURE_CLIENT_SECRET"] = entra.tenant.client_secret

    for words in ([option, ""], [f"{option}="]):
        result = entra.connect(*words, app=True)
        assert 2 == result.code
        assert f"Argument {option}: the value is empty." in result.error
    assert [] == entra.tenant.journal.entries


@pytest.mark.parametrize("words", [[], ["--login-hint", ADA], ["--port", "0"], ["--prompt", "login"], ["--ensure"]])
def test_nobody_is_waited_for_without_a_terminal(entra: Command, words: list[str]) -> None:
    """
    A sign-in with a browser that no option chose ends at once with exit code 4 if there is no terminal.
    """
    result = entra.connect(*words)

    assert 4 == result.code
    assert "A user has to sign in, but there is no terminal." in result.error
    for option in ("--client-secret-stdin", "--browser", "--no-browser", "--paste", "--device-code"):
        assert option in result.error
    assert "Open this link" not in result.error


def test_without_a_terminal_and_a_network_the_missing_user_is_reported(entra: Command) -> None:
    """
    The token service is asked once, without a wait, and that it does not answer is not the reason that is reported.
    """
    words = ("--client-id", "Graph", "--tenant-id", "contoso.com", "--authority-url", "https://localhost:1")

    assert 4 == entra("connect", *words).code


def test_a_working_connection_is_returned_without_a_terminal(entra: Command) -> None:
    """
    With `--ensure` a user's saved connection needs neither a terminal nor a user.
    """
    user = entra.tenant.person()
    entra.environ["AZURE_USERNAME"] = user.upn
    entra.tenant.seed.change_settings({"device_interval_s": 1})
    words = ("--password-stdin", "--username", user.upn)
    assert 0 == entra.connect(*words, given=entra.tenant.users.normal.password).code

    assert (
        "Already connected as ada@" in entra.connect(*words, "--ensure", given=entra.tenant.users.normal.password).error
    )


def test_the_variable_of_the_user_names_the_user_for_a_browser(entra: Command) -> None:
    """
    `AZURE_USERNAME` alone names the user who should sign in with the browser, unless an option names one.
    """
    entra.environ["AZURE_USERNAME"] = "una@contoso.example"

    by_variable = entra.connect("--no-browser", "--timeout", "0.2")
    by_option = entra.connect("--no-browser", "--timeout", "0.2", "--login-hint", ADA)

    assert "login_hint=una%40contoso.example" in by_variable.error
    assert "AZURE_USERNAME names the user una@contoso.example." in by_variable.error
    assert "login_hint=ada%40contoso.example" in by_option.error


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_break_at_the_end_of_a_variable_is_not_part_of_the_secret(entra: Command, end: str) -> None:
    """
    `echo secret | base64` in a Kubernetes secret, or a here-document, adds a line break.
    """
    entra.environ["AZURE_CLIENT_SECRET"] = entra.tenant.client_secret + end
    assert 0 == entra.connect(app=True).code
    del entra.environ["AZURE_CLIENT_SECRET"]
    entra.environ |= {"AZURE_USERNAME": ADA, "AZURE_PASSWORD": entra.tenant.users.normal.password + end}
    assert 0 == entra.connect().code


def test_a_character_that_no_secret_can_hold_is_named_before_anything_is_sent(entra: Command) -> None:
    """
    A copied secret with a quotation mark of a word processor is not sent to be refused as wrong.
    """
    entra.environ["AZURE_CLIENT_SECRET"] = "\u201ccanary\u201d"

    result = entra.connect(app=True)

    assert 2 == result.code
    assert "AZURE_CLIENT_SECRET contains U+201C (left double quotation mark) as character 1 of 8" in result.error
    assert "canary" not in result.error
    assert [] == entra.tenant.journal.entries


def test_all_files_that_others_can_read_are_reported_in_one_run(entra: Command, tmp_path: Path) -> None:
    """
    The file of a password and the one of the certificate that it opens are both reported, even if it does not open it.
    """
    key = serialization.load_pem_private_key(entra.tenant.private_key_pem.encode(), None)
    encryption = serialization.BestAvailableEncryption(b"canary")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    certificate, password = tmp_path / "app.pem", tmp_path / "password"
    certificate.write_bytes(pem + entra.tenant.certificate_pem.encode())

    for text, code in (("canary", 0), ("wrong", 2)):
        password.write_text(text)
        certificate.chmod(0o644)
        password.chmod(0o644)
        words = ("--certificate-path", str(certificate), "--certificate-password-file", str(password))
        result = entra.connect(*words, app=True)
        assert code == result.code, result.error
        for path in (certificate, password):
            assert 1 == result.error.count(f"chmod 600 {path}")


def test_a_file_is_reported_once_although_it_is_read_again(
    entra: Command, tmp_path: Path, typed: Callable[[str], None]
) -> None:
    """
    A certificate that does not need the given password, and one whose password is typed, are read twice.
    """
    key = serialization.load_pem_private_key(entra.tenant.private_key_pem.encode(), None)
    encryption = serialization.BestAvailableEncryption(b"canary")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    certificate = tmp_path / "app.pem"
    entra.environ["MINE"] = "canary"
    typed("canary")

    for text, words in ((entra.tenant.private_key_pem.encode(), ("--certificate-password-env", "MINE")), (locked, ())):
        certificate.write_bytes(text + entra.tenant.certificate_pem.encode())
        certificate.chmod(0o644)
        result = entra.connect("--certificate-path", str(certificate), *words, "--yes", app=True, terminal=True)
        assert 0 == result.code, result.error
        assert 1 == result.error.count("Warning: Other users of this machine can read")


def test_a_ready_token_comes_from_standard_input(entra: Command) -> None:
    """
    `entra connect --access-token-stdin` says that the connection is not renewed; with `--ensure` the same token is
    recognized; and the error for an expired one prints the command that connects again.
    """
    assert 0 == entra.connect("--client-secret-stdin", app=True, given=entra.tenant.client_secret).code
    token = entra("token").output.strip()

    made = entra.connect("--access-token-stdin", "--name", "job", app=True, given=f"{token}\n")
    again = entra.connect("--access-token-stdin", "--name", "job", "--ensure", app=True, given=token)
    mixed = entra.connect("--access-token-stdin", "--device-code", given=token)
    gone = entra("token", "--name", "job", "--min-validity", "5h")

    assert 0 == made.code, made.error
    assert "A ready token can't be renewed." in made.error
    assert "Already connected" in again.error
    assert token == entra("token", "--name", "job").output.strip()
    assert (2, True) == (mixed.code, "--device-code and --access-token-stdin" in mixed.error)
    assert "entra connect --name job" in gone.error
    assert "--access-token-stdin" in gone.error
    assert "--scope" not in gone.error


@pytest.mark.parametrize("where", ["stdin", "file"])
def test_a_refresh_token_makes_another_connection(entra: Command, tmp_path: Path, where: str) -> None:
    """
    The refresh token of one sign-in makes a connection that renews itself. The command that connects again reads the
    token from the same place.
    """
    user, vault, file = entra.tenant.users.normal, Vault(environ=entra.environ), tmp_path / "token"
    assert 0 == entra.connect("--username", user.upn, "--password-stdin", given=user.password).code
    token = record.read(vault, "default").refresh_token
    file.write_text(token)
    file.chmod(0o600)
    words = [f"--refresh-token-{where}", *([str(file)] if where == "file" else [])]

    made = entra.connect(*words, "--name", "job", given=token)

    assert 0 == made.code, made.error
    assert "and renews itself." in made.error
    assert 0 == entra("token", "--name", "job", "--scope", "User.Read.All").code
    assert reconnect(record.read(vault, "job").settings).endswith(" ".join(words))
