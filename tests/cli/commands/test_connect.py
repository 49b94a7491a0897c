"""`entra connect`: each row of the parameter table, and each mistake."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.cli.conftest import Terminal

from entrakit import Certificate, get_connection, list_connections
from entrakit.cli import main
from entrakit.cli.context import Streams
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command

    from entrakit.sign_in.flows.devicecode import DeviceCode

GRAPH = "https://graph.microsoft.com"


@pytest.fixture
def pem_file(entra: Command, tmp_path: Path) -> Path:
    """Return a file with certificate and key of the confidential app."""
    path = tmp_path / "home" / "app.pem"
    path.write_text(entra.tenant.certificate_pem + entra.tenant.private_key_pem)
    path.chmod(0o600)
    return path


def test_a_secret_on_standard_input(entra: Command) -> None:
    """
    With `--client-secret-stdin` the summary is on standard error, and standard output stays empty.
    """
    result = entra.connect("--client-secret-stdin", app=True, given=entra.tenant.client_secret + "\n")

    assert (0, "") == (result.code, result.output)
    assert f"Connected as the app {entra.tenant.confidential_client}" in result.error
    assert "The credential is not saved." in result.error
    assert "key file" in result.error
    assert entra.tenant.client_secret not in result.error


def test_a_secret_from_the_environment(entra: Command) -> None:
    """
    `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_CLIENT_SECRET` are enough.
    """
    entra.environ |= {
        "AZURE_CLIENT_ID": entra.tenant.confidential_client,
        "AZURE_TENANT_ID": entra.tenant.tenant_id,
        "AZURE_CLIENT_SECRET": entra.tenant.client_secret,
        "AZURE_AUTHORITY_HOST": entra.tenant.url,
        "SSL_CERT_FILE": "unused",
    }
    result = entra("connect", "--ca-bundle", entra.tenant.ca_path)

    assert 0 == result.code, result.error
    assert "AZURE_AUTHORITY_HOST selects" in result.error
    assert "signing in with AZURE_CLIENT_SECRET" in result.error


def test_a_secret_from_a_file(entra: Command, tmp_path: Path) -> None:
    """
    `--client-secret-file` reads the file, and a renewal reads it again.
    """
    path = tmp_path / "secret"
    path.write_text(entra.tenant.client_secret + "\n")

    assert 0 == entra.connect("--client-secret-file", str(path), app=True).code


def test_a_secret_that_is_typed(entra: Command, typed: Callable[[str], None]) -> None:
    """
    `--client-secret` asks at a terminal. Without a terminal, the error has a remedy.
    """
    typed(entra.tenant.client_secret)

    assert 0 == entra.connect("--client-secret", app=True, terminal=True).code
    nobody = entra.connect("--client-secret", app=True)
    assert 2 == nobody.code
    assert "--client-secret-stdin" in nobody.error


@pytest.mark.parametrize("form", ["--client-secret=canary-secret", "--client-secret canary-secret"])
def test_a_secret_on_the_command_line_is_refused(entra: Command, form: str) -> None:
    """
    A secret is never taken from the command line, and not repeated (checklist 30).
    """
    result = entra.connect(*form.split(), app=True)

    assert 2 == result.code
    assert "can't be given on the command line" in result.error
    assert "canary" not in result.error + result.output


@pytest.mark.parametrize(
    "option", ["--certificate-path", "environment", "--certificate-thumbprint", "--certificate-name"]
)
def test_a_certificate(entra: Command, pem_file: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """
    A certificate by path, by `AZURE_CLIENT_CERTIFICATE_PATH`, and in a store by thumbprint and by name.
    """
    monkeypatch.setenv("ENTRAKIT_MACHINE_CERTIFICATES", str(pem_file.parent))
    one = Certificate.from_path(pem_file)
    words = {
        "--certificate-path": (option, str(pem_file)),
        "environment": (),
        "--certificate-thumbprint": (option, one.thumbprint_sha256),
        "--certificate-name": (option, one.subject),
    }[option]
    if option == "environment":
        entra.environ["AZURE_CLIENT_CERTIFICATE_PATH"] = str(pem_file)

    result = entra.connect(*words, "--send-certificate-chain" if words else "--quiet", app=True)

    assert 0 == result.code, result.error


@pytest.mark.parametrize("way", ["stdin", "environment", "typed"])
def test_the_password_of_a_certificate(entra: Command, pem_file: Path, typed: Callable[[str], None], way: str) -> None:
    """
    `--certificate-password-stdin`, `AZURE_CLIENT_CERTIFICATE_PASSWORD`, or a prompt if the file needs it.
    """
    key = serialization.load_pem_private_key(entra.tenant.private_key_pem.encode(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"canary")
    )
    pem_file.write_bytes(encrypted + entra.tenant.certificate_pem.encode())
    typed("canary")
    words = ["--certificate-path", str(pem_file)]
    if way == "stdin":
        words.append("--certificate-password-stdin")
    if way == "environment":
        entra.environ["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = "canary"

    result = entra.connect(*words, app=True, given="canary\n", terminal=way == "typed")

    assert 0 == result.code, result.error
    assert "canary" not in result.error
    entra.environ.pop("AZURE_CLIENT_CERTIFICATE_PASSWORD", None)
    missing = entra.connect("--certificate-path", str(pem_file), app=True)
    assert (2, True) == (missing.code, "no password was given" in missing.error)


@pytest.mark.parametrize("way", ["stdin", "environment", "typed"])
def test_user_name_and_password(entra: Command, typed: Callable[[str], None], way: str) -> None:
    """
    `--username` takes the password from `--password-stdin`, `AZURE_PASSWORD` or a prompt, with one warning.
    """
    user = entra.tenant.users.normal
    typed(user.password)
    if way == "environment":
        entra.environ["AZURE_PASSWORD"] = user.password
    words = ["--username", user.upn, *(["--password-stdin"] if way == "stdin" else [])]

    result = entra.connect(*words, given=user.password + "\n", terminal=way == "typed")

    assert 0 == result.code, result.error
    assert f"Connected as {user.upn}" in result.error
    assert 1 == result.error.count("multi-factor")


def test_user_name_and_password_from_the_environment(entra: Command) -> None:
    """
    `AZURE_USERNAME` and `AZURE_PASSWORD` are used if no option selects a flow and no secret is set.
    """
    user = entra.tenant.users.normal
    entra.environ |= {"AZURE_USERNAME": user.upn, "AZURE_PASSWORD": user.password}

    assert f"Connected as {user.upn}" in entra.connect().error
    entra.environ["AZURE_CLIENT_SECRET"] = "wrong"
    both = entra.connect(app=True)
    assert "AZURE_USERNAME and AZURE_PASSWORD not used" in both.error
    assert 5 == both.code


def test_a_device_code(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `--device-code` prints address, code and remaining time on standard error.
    """
    person = entra.tenant.person()
    entra.tenant.seed.change_settings({"device_interval_s": 1})
    shown: list[str] = []

    def approve(code: object, context: object) -> None:
        shown.append(str(code))
        person.approve_device(re.search(r"code (\w+)\.", str(code))[1])  # type: ignore[index] # the code matches

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", approve)

    result = entra.connect("--device-code")

    assert 0 == result.code, result.error
    assert "15 minutes" in shown[0]
    assert f"Connected as {person.upn}" in result.error


def test_a_browser(entra: Command, tmp_path: Path) -> None:
    """
    The program in `BROWSER` opens the sign-in page, with hints and prompt; its command line has a one-time address.
    """
    person = entra.tenant.person()
    opened: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = tmp_path / "browser"
        program.write_text(
            f"#!{sys.executable}\nimport socket, sys\n"
            f"with socket.create_connection(('127.0.0.1', {port})) as s: s.sendall(sys.argv[1].encode())\n"
        )
        program.chmod(0o700)
        entra.environ["BROWSER"] = str(program)
        os.environ["BROWSER"] = str(program)

        def follow() -> None:
            peer, _ = listener.accept()
            with peer:
                opened.append(peer.recv(65536).decode())
                person.visit(opened[0])

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            result = entra.connect("--browser", "--login-hint", person.upn, "--prompt", "select_account")
        finally:
            del os.environ["BROWSER"]
        thread.join(10)

    assert 0 == result.code, result.error
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}", opened[0])
    assert f"Connected as {person.upn}" in result.error


@pytest.mark.parametrize(("answer", "words", "is_saved", "is_asked"), [
    ("y\n", (), True, True), ("n\n", (), False, True), ("", (), False, True), ("", ("--yes",), True, False),
    ("", ("--login-hint", "ME"), True, False),
])  # fmt: skip
def test_on_a_terminal_the_user_who_signed_in_is_confirmed(
    entra: Command, monkeypatch: pytest.MonkeyPatch, answer: str, words: tuple[str, ...], *, is_saved: bool,
    is_asked: bool,
) -> None:  # fmt: skip
    """
    Unless the user who signed in was named, a question says who it was before anything is saved; `--yes` answers it,
    and any other answer than yes exits with 130.
    """
    person = entra.tenant.person()

    def approve(code: DeviceCode, context: object) -> None:
        del context
        person.approve_device(code.user_code)

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", approve)
    named = [person.upn.upper() if word == "ME" else word for word in words]
    way = ["--no-browser"] if named[:1] == ["--login-hint"] else ["--device-code"]
    monkeypatch.setattr("entrakit.cli.commands.connect.show_link", lambda url, port, context: person.open_browser(url))
    result = entra.connect(*way, *named, given=answer, terminal=True)

    assert (0 if is_saved else 130) == result.code, result.error
    assert is_asked == (f"The sign-in was {person.upn} in the tenant" in result.error)
    assert is_saved == (f"Connected as {person.upn}" in result.error)
    assert is_saved == bool(list_connections())


def test_no_browser_prints_the_link_and_the_tunnel(entra: Command) -> None:
    """
    `--no-browser` prints the link, and over SSH the command that forwards the port (request 26 of the users).
    """
    entra.environ |= {"SSH_CONNECTION": "10.0.0.9 5000 10.0.0.1 2222", "USER": "ada"}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    result = entra.connect("--no-browser", "--port", str(port), "--timeout", "0.2")

    assert 5 == result.code
    assert f"{entra.tenant.url}/{entra.tenant.tenant_id}/oauth2/v2.0/authorize" in result.error
    assert f"ssh -N -L {port}:localhost:{port} -p 2222 ada@10.0.0.1" in result.error
    assert "" == result.output


def test_pasting(entra: Command) -> None:
    """
    `--paste` asks for the address; an address that is not the answer is an error.
    """
    result = entra.connect("--paste", given="http://localhost/?code=x&state=y\n")

    assert 2 == result.code
    assert "Paste the address of that page" in result.error
    assert "another sign-in" in result.error
    assert "Nothing was pasted: standard input has ended." in result.error
    assert 2 == entra.connect("--paste").code


def test_pasting_is_asked_for_again(entra: Command) -> None:
    """
    After a wrong line there is a warning with what to paste, and the question again.
    """
    wrong = "http://localhost/?code=x&state=y"

    result = entra.connect("--paste", given=f"{wrong}\nexample.com\n{wrong}\n")

    assert 2 == result.code
    assert 3 == result.error.count("Paste the address of that page: ")
    assert 2 == result.error.count("Warning: The pasted ")
    assert "Warning: The pasted text is not a complete address. After the sign-in the browser" in result.error
    assert 1 == result.error.count("Error: The pasted address belongs to another sign-in, or is not complete.")


def test_pass_thru_prints_the_token_object(connected: Command) -> None:
    """
    `--pass-thru` prints the token object as JSON, with both forms of its expiry.
    """
    result = connected.connect("--pass-thru", app=True)

    token = json.loads(result.output)
    assert connected.tenant.confidential_client == token["client_id"]
    assert isinstance(token["expires_on"], int)
    assert token["expires_on_utc"].endswith("Z")
    assert "User.Read.All" in token["roles"]


def test_json_prints_a_summary_without_the_token(connected: Command) -> None:
    """
    `--json` prints a summary without the token.
    """
    result = connected.connect("--json", "--quiet", app=True)

    assert {"name": "default", "flow": "secret"}.items() <= json.loads(result.output).items()
    assert "eyJ" not in result.output
    assert "" == result.error.replace("Note: signing in with AZURE_CLIENT_SECRET.\n", "")


def test_ensure_and_names(connected: Command) -> None:
    """
    `--ensure` does nothing if the saved connection works. `--name` saves another one in addition.
    """
    asked = len(connected.tenant.journal.of("token"))

    assert 0 == connected.connect("--ensure", app=True).code
    assert asked == len(connected.tenant.journal.of("token"))
    other = connected.connect("--name", "other", app=True)
    assert "entra use other" in other.error


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--device-code", "--client-secret-stdin"], ["--device-code", "--client-secret", "DeviceCode", "AppSecret"]),
        (["--certificate-path", "a", "--certificate-name", "b"], ["--certificate-path", "--certificate-name"]),
        (["--certificate-password-stdin"], ["--certificate-password-stdin", "--certificate-path"]),
        (["--device-code", "--login-hint", "ada"], ["--login-hint", "Browser"]),
        (["--send-certificate-chain"], ["--send-certificate-chain", "AppCertificate"]),
        (["--password-stdin"], ["--username"]),
        (["--certificate-password-stdin", "--client-secret-stdin"], ["--certificate-password-stdin", "AppCertificate"]),
        (["--username", "ada", "--client-secret-stdin"], ["--username", "--client-secret"]),
        (["--authority-url", "http://localhost"], ["https"]),
        (["--timeout", "soon"], ["is not a duration"]),
        (["--prompt", "never"], ["select_account"]),
        (["--cloud", "mars"], ["usgov"]),
        (["--port", "99999"], ["1024"]),
        (["--name", "../x", "--device-code"], ["name of a connection"]),
    ],
)
def test_what_does_not_go_together_is_named(entra: Command, words: list[str], expected: list[str]) -> None:
    """
    Mixed or incomplete parameter sets and invalid values exit with 2 and name the options; no request is sent.
    """
    result = entra.connect(*words, given="canary-secret\n")

    assert 2 == result.code
    for text in expected:
        assert text in result.error
    assert "canary" not in result.error
    assert [] == entra.tenant.journal.entries


@pytest.mark.parametrize("missing", ["--client-id", "--tenant-id"])
def test_what_is_missing_is_named(entra: Command, missing: str) -> None:
    """
    Client and tenant are required; the error names option, variable and an example.
    """
    words = ["--tenant-id", "contoso.com"] if missing == "--client-id" else ["--client-id", "Graph"]

    result = entra("connect", *words)

    assert 2 == result.code
    assert f"{missing} is missing" in result.error
    assert "AZURE_" in result.error


def test_a_refusal_of_the_service_is_shown(entra: Command) -> None:
    """
    The error has problem, remedy and ids, also as JSON.
    """
    plain = entra.connect("--client-secret-stdin", app=True, given="canary-wrong")
    structured = entra.connect("--client-secret-stdin", "--json", app=True, given="canary-wrong")

    for text in ("The client secret is wrong.", "Next: ", "AADSTS7000215", "Correlation id: ", "Trace id: "):
        assert text in plain.error
    error = json.loads(structured.error.splitlines()[-1])["error"]
    assert ("SignInError", 5, False) == (error["kind"], error["exit_code"], error["retryable"])
    assert 5 == plain.code
    assert "canary" not in plain.error + structured.error


def test_debug_shows_where_and_no_secret(entra: Command) -> None:
    """
    A traceback is printed only with --debug, and its secrets are masked.
    """
    quiet = entra.connect("--client-secret-stdin", app=True, given="canary-wrong")
    loud = entra.connect("--client-secret-stdin", "--debug", app=True, given="canary-wrong")

    assert "Traceback" not in quiet.error
    assert "Traceback" in loud.error
    assert "entrakit.http.transport: POST" in loud.error
    assert "canary" not in loud.error


def test_no_secret_in_the_process_list(entra: Command) -> None:
    """
    While a real process signs in, its command line has no secret (checklist 30).
    """
    tenant = entra.tenant
    words = [sys.executable, "-m", "entrakit", "connect", "--client-id", tenant.confidential_client, "--tenant-id",
             tenant.tenant_id, "--authority-url", tenant.url, "--ca-bundle", tenant.ca_path,
             "--client-secret-stdin"]  # fmt: skip
    process = subprocess.Popen(
        words, env=entra.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    listing = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, check=False)
    output, error = process.communicate(tenant.client_secret, timeout=30)

    assert tenant.client_secret.encode() not in listing.stdout
    assert (0, "") == (process.returncode, output), error


@pytest.mark.parametrize(
    ("words", "problem"),
    [(("--key-vault", "x"), "only with --key-vault-certificate, --key-vault-secret or --key-vault-key"),
     (("--key-vault-certificate", "a"), "No key vault was named"),
     (("--key-vault", "contoso", "--key-vault-certificate", "a"), "you need a saved connection"),
     (("--key-vault", "contoso", "--key-vault-secret", "a", "--key-vault-connection", "ops"), "no connection 'ops'"),
     (("--certificate-uri", "pkcs11:token=x", "--certificate-store", "dotnet"), "don't go together"),
     (("--certificate-store", "dotnet"), "can't be used alone"),
     (("--certificate-uri", "nonsense"), "Not a PKCS#11 URI"),
     (("--certificate-command", "sign"), "can't be used alone"),
     (("--certificate-path", "x", "--certificate-command", "sign 'x"), "quotation mark"),
     (("--certificate-path", "x", "--certificate-command", " "), "--certificate-command is empty"),
     (("--key-vault", "c", "--key-vault-connection", "ops", "--key-vault-key", "k"), "none was named"),
     (("--certificate-name", "x", "--certificate-store", "moon"), "Unknown certificate store 'moon'"),
     (("--certificate-name", "x", "--pkcs11-module", "/nope.so"), "The PKCS#11 module '/nope.so' does not exist")],
)  # fmt: skip
def test_where_a_certificate_is_typed_wrong(entra: Command, words: tuple[str, ...], problem: str) -> None:
    """
    Each mistake is reported with the names of the options, before anything is sent.
    """
    entra.tenant.journal.clear()

    result = entra.connect(*words, app=True)

    assert result.code in {2, 3}
    assert problem in result.error
    assert () == tuple(entra.tenant.journal.entries)


def test_a_connection_that_is_kept_is_reported_as_such(connected: Command) -> None:
    """
    `--ensure` says whether it signed in, and with which credential.
    """
    again = connected.connect("--ensure", app=True)
    connected.tenant.seed.add_secret(connected.tenant.confidential_client, "another~secret")
    connected.environ["AZURE_CLIENT_SECRET"] = "another~secret"
    anew = connected.connect("--ensure", app=True)

    assert f"Already connected as the app {connected.tenant.confidential_client}" in again.error
    assert "using AZURE_CLIENT_SECRET" in again.error
    assert "signing in" not in again.error
    assert f"\nConnected as the app {connected.tenant.confidential_client}" in anew.error


def add_una(command: Command) -> tuple[str, ...]:
    """Add another user, and return the options that sign that user in with the password on standard input."""
    command.tenant.seed.add_user("una@contoso.example", password="Other-Person-9")
    command.tenant.seed.grant("una@contoso.example", command.tenant.public_client, GRAPH, ["User.Read"])
    return ("--username", "una@contoso.example", "--password-stdin")


def test_another_account_is_replaced_with_a_warning(connected: Command) -> None:
    """
    Without a terminal a connection of another account is replaced, and a warning says what it was.
    """
    result = connected.connect(*add_una(connected), given="Other-Person-9")

    app, tenant = connected.tenant.confidential_client, connected.tenant.tenant_id
    assert 0 == result.code
    assert (
        f"Warning: The saved connection 'default' was replaced. It was the app {app} in the tenant {tenant}."
        in result.error
    )


@pytest.mark.parametrize(("answer", "words", "is_replaced"), [
    ("y\n", (), True), ("n\n", (), False), ("\n", (), False), ("", (), False), ("", ("--yes",), True),
])  # fmt: skip
def test_on_a_terminal_another_account_is_replaced_if_the_user_agrees(
    connected: Command, answer: str, words: tuple[str, ...], *, is_replaced: bool
) -> None:
    """
    The question names both accounts, `--yes` answers it, and any other answer than yes exits with 130.
    """
    connected.environ["AZURE_PASSWORD"] = "Other-Person-9"
    who = add_una(connected)[:2]

    result = connected.connect(*who, *words, given=answer, terminal=True)

    assert (0 if is_replaced else 130) == result.code
    with get_connection() as connection:
        assert is_replaced == (connection.account.username == "una@contoso.example")
    app, tenant = connected.tenant.confidential_client, connected.tenant.tenant_id
    question = (
        f"The saved connection 'default' is the app {app} in the tenant {tenant}.\n"
        f"Replace it with una@contoso.example in the tenant {tenant}? [y/N]"
    )
    assert (question in result.error) is not bool(words)
    assert ("Nothing was saved." in result.error) is not is_replaced


def test_the_same_account_is_replaced_without_a_question(connected: Command) -> None:
    """
    A new sign-in of the same account asks nothing and warns of nothing.
    """
    result = connected.connect(app=True, terminal=True)

    assert 0 == result.code
    assert "Replace" not in result.error
    assert "replaced" not in result.error


def test_a_damaged_connection_is_replaced_with_a_warning(connected: Command, private_home: Path) -> None:
    """
    The file of a connection that can't be read is kept under another name, which a warning contains.
    """
    (private_home / "connections" / "default.json").write_text("{")

    assert "Warning: The saved connection 'default' is damaged; it was moved to" in connected.connect(app=True).error


def test_only_what_renews_itself_is_said_to(entra: Command) -> None:
    """
    Without a refresh token a user's connection is not said to renew itself.
    """
    user = entra.tenant.users.normal
    words = ("--username", user.upn, "--password-stdin")
    renews = entra.connect(*words, given=user.password)
    entra.tenant.faults.add(faults.Tokens(times=None, is_without_refresh_token=True))
    spent = entra.connect(*words, given=user.password)
    whole = entra.connect(*words, "--json", given=user.password)

    assert "and renews itself." in renews.error
    assert "renews itself" not in spent.error
    assert "The credential is not saved." in spent.error
    assert "To renew it, connect again. --save-secret saves the credential, encrypted." in spent.error
    assert json.loads(whole.output)["renews_alone"] is False


def test_a_device_code_without_a_refresh_token_is_not_said_to_renew_itself(
    entra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where there is no credential to save, only another sign-in helps.
    """
    person = entra.tenant.person()
    entra.tenant.seed.change_settings({"device_interval_s": 1})
    entra.tenant.faults.add(faults.Tokens(times=None, is_without_refresh_token=True))

    def approve(code: object, context: object) -> None:
        person.approve_device(re.search(r"code (\w+)\.", str(code))[1])  # type: ignore[index] # the code matches

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", approve)

    result = entra.connect("--device-code")

    assert "The token service gave no refresh token.\nTo renew it, connect again.\n" in result.error


def test_the_only_connection_is_the_current_one(entra: Command) -> None:
    """
    With one connection, commands need no name; with several, one must be chosen or called `default`.
    """
    secret = entra.tenant.client_secret
    only = entra.connect("--name", "job", "--client-secret-stdin", app=True, given=secret)

    assert "entra use" not in only.error
    assert 0 == entra("token").code
    assert "entra use other" in entra.connect("--name", "other", "--client-secret-stdin", app=True, given=secret).error
    assert 3 == entra("token").code


def test_a_graph_elsewhere_is_reported(connected: Command) -> None:
    """
    A token service on this machine without a Graph address is a warning, since requests go to the real Graph. The
    address can come from a variable, with the path of a gateway.
    """
    real = connected.connect(app=True)
    connected.environ["ENTRAKIT_GRAPH_URL"] = f"{connected.tenant.url}/gateway/"
    gateway = connected.connect(app=True)
    whole = connected("status", "--json")
    named = connected.connect("--graph-url", connected.tenant.url, app=True)

    assert "requests to Microsoft Graph are sent to https://graph.microsoft.com" in real.error
    assert "--graph-url" in real.error
    assert "requests to Microsoft Graph are sent to" not in gateway.error
    assert f"ENTRAKIT_GRAPH_URL selects {connected.tenant.url}/gateway/ for Microsoft Graph." in gateway.error
    assert f"{connected.tenant.url}/gateway" == json.loads(whole.output)[0]["graph_url"]
    assert "ENTRAKIT_GRAPH_URL is set" in connected("status").error
    assert "ENTRAKIT_GRAPH_URL" not in named.error
    assert 0 == connected("request", "GET", "/organization").code


def test_an_empty_password_of_a_certificate_is_named(entra: Command, pem_file: Path) -> None:
    """
    If a certificate has a password and its variable is empty, the error names the variable.
    """
    key = serialization.load_pem_private_key(entra.tenant.private_key_pem.encode(), None)
    encryption = serialization.BestAvailableEncryption(b"canary")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    pem_file.write_bytes(pem + entra.tenant.certificate_pem.encode())
    entra.environ["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = ""

    result = entra.connect("--certificate-path", str(pem_file), app=True)

    assert 2 == result.code
    assert "AZURE_CLIENT_CERTIFICATE_PASSWORD is set, but empty." in result.error


@pytest.mark.parametrize("is_typing", [False, True])
def test_a_user_who_can_not_be_asked_is_not_asked_after_the_sign_in(connected: Command, *, is_typing: bool) -> None:
    """
    If standard input or standard error is redirected, there is no terminal: another account is replaced, which is
    reported, and no question comes after the sign-in.
    """
    words, secret = add_una(connected), "Other-Person-9"
    streams = Streams(
        Terminal(secret) if is_typing else io.StringIO(secret),
        io.StringIO(),
        io.StringIO() if is_typing else Terminal(),
    )
    tenant = connected.tenant
    where = ("--authority-url", tenant.url, "--ca-bundle", tenant.ca_path, "--tenant-id", tenant.tenant_id)

    code = main(("connect", *where, "--client-id", tenant.public_client, *words), streams, connected.environ)

    assert isinstance(streams.error, io.StringIO)
    error = streams.error.getvalue()
    assert 0 == code, error
    assert "Warning: The saved connection 'default' was replaced. It was the app" in error
    assert "[y/N]" not in error


@pytest.mark.parametrize("is_typing", [False, True])
@pytest.mark.parametrize(("words", "code"), [((), 4), (("--login-hint", "ada@contoso.com"), 4), (("--no-browser",), 0)])
def test_a_user_who_can_not_be_asked_is_awaited_only_if_an_option_says_so(
    entra: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, *, is_typing: bool
) -> None:
    """
    Nobody could say whether the user who signed in is the right one, so a browser that no option selects is not opened.
    """
    person, tenant = entra.tenant.person(), entra.tenant
    monkeypatch.setattr("entrakit.cli.commands.connect.show_link", lambda url, port, context: person.open_browser(url))
    monkeypatch.setattr("entrakit.sign_in.system_browser.open_browser", person.open_browser)
    streams = Streams(*(Terminal() if one else io.StringIO() for one in (is_typing, True, not is_typing)))
    where = ("--authority-url", tenant.url, "--ca-bundle", tenant.ca_path, "--tenant-id", tenant.tenant_id)

    ended = main(("connect", *where, "--client-id", tenant.public_client, *words), streams, entra.environ)

    assert isinstance(streams.error, io.StringIO)
    assert code == ended, streams.error.getvalue()
    assert (code == 0) == bool(list_connections())
    assert (code == 4) == ("redirect neither standard input nor standard error" in streams.error.getvalue())
