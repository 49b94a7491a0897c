"""`entra connect`: each row of the parameter table, and each mistake."""

from __future__ import annotations

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

from entrakit import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command


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

    monkeypatch.setattr("entrakit.cli.commands.connect._show_code", approve)

    result = entra.connect("--device-code")

    assert 0 == result.code, result.error
    assert "15 minutes" in shown[0]
    assert f"Connected as {person.upn}" in result.error


def test_a_browser(entra: Command, tmp_path: Path) -> None:
    """
    The program in `BROWSER` opens the sign-in page, with hints and prompt.
    """
    person = entra.tenant.person()
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
                person.visit(peer.recv(65536).decode())

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            result = entra.connect("--browser", "--login-hint", person.upn, "--prompt", "select_account")
        finally:
            del os.environ["BROWSER"]
        thread.join(10)

    assert 0 == result.code, result.error
    assert f"Connected as {person.upn}" in result.error


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
    assert 2 == entra.connect("--paste").code


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
     (("--key-vault", "contoso", "--key-vault-certificate", "a"), "needs a connection"),
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
