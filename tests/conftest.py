"""Fixtures of all tests: a clock whose sleeps take no time, a private home, and TLS servers with chosen answers."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import os
import re
import socket
import ssl
import threading
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import settings
from tests import processes

from entrakit import Transport, connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import EntraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

# The time of an example depends on the load of the machine.
settings.register_profile("entrakit", deadline=None)
settings.load_profile("entrakit")


class FakeClock:
    """A clock whose sleeps take no time; `sleeps` lists them.

    Args:
        at: Start in seconds since 1970; None for now.
    """

    def __init__(self, at: float | None = None) -> None:
        self.now = time.time() if at is None else at
        self.elapsed = 0.0
        self.sleeps: list[float] = []
        self._askers: set[int] = set()
        self._asked = threading.Condition()

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self.now + self.elapsed

    def monotonic(self) -> float:
        """Return the seconds since its start, and record the calling thread for `wait_for_threads`."""
        with self._asked:
            self._askers.add(threading.get_ident())
            self._asked.notify_all()
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Advance the time, and record the sleep."""
        self.sleeps.append(seconds)
        self.elapsed += seconds

    def wait_for_threads(self, count: int) -> None:
        """Wait until `count` threads have called `monotonic`, which they do before they wait for a lock."""
        with self._asked:
            assert self._asked.wait_for(lambda: len(self._askers) >= count, timeout=10)

    def advance(self, seconds: float) -> None:
        """Advance the time without a sleep, and forget the threads that called `monotonic`."""
        self._askers.clear()
        self.elapsed += seconds


class RawServer:
    """A TLS server on loopback that answers each connection with the next byte string of a list.

    An answer of None closes the connection without a byte.

    Args:
        context: TLS context with the server's certificate.
        answers: Answers in order; the last one is repeated.
        host: IP address to listen on.
    """

    def __init__(self, context: ssl.SSLContext, answers: list[bytes | None], host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self._context = context
        self._answers = answers
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Port of the server."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Origin of the server."""
        return f"https://localhost:{self.port}"

    def close(self) -> None:
        """Stop the server."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            plain.settimeout(5)
            try:
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    self.requests.append(_read_request(secured))
                    answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
                    if answer is not None:
                        secured.sendall(answer)
            except OSError:
                continue


def _read_request(secured: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = secured.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += secured.recv(65536)
    return head + b"\r\n\r\n" + body


class TokenServer:
    """A token service with chosen answers: it serves a discovery document, and `answer` returns all others.

    It does not check the protocol, so that tests can use answers that no real service gives.

    Args:
        context: TLS context with the server's certificate.
        tenant_id: Tenant of its discovery document.
    """

    def __init__(self, context: ssl.SSLContext, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Callable[[dict[str, str]], tuple[int, object]] = lambda form: (200, granted())
        self.document: dict[str, object] = {}
        self.documents: Callable[[str], object] = lambda path: None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def discovery(self) -> dict[str, object]:
        """Return the discovery document of the tenant, with the changes in `document`."""
        base = f"{self.url}/{self.tenant_id}"
        return {
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
        } | self.document

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.paths.append(self.path)
                found = (
                    server.discovery() if self.path.endswith("openid-configuration") else server.documents(self.path)
                )
                self._send(404 if found is None else 200, {"error": "not_found"} if found is None else found)

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                form = dict(urllib.parse.parse_qsl(text)) if is_form else {"text": text}
                server.paths.append(self.path)
                server.forms.append(form)
                self._send(*server.answer(form))

            def _send(self, status: int, body: object) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the overridden parameter
                del format, args

        return Handler


def granted(**more: object) -> dict[str, object]:
    """Return the body of a successful token response."""
    return {"token_type": "Bearer", "expires_in": 3600, "access_token": "canary-access-token", **more}


# Packages that scripts/test-without-extras does not install, and the errors that say so.
EXTRAS = ("httpx2", "httpcore2", "hpack", "h2", "redis", "pkcs11", "socks", "socksio")
NEEDS_EXTRA = re.compile(r"(?:needs?|requires?) the extra (async|redis|pkcs11|socks)\b")


def _missing_extra(error: BaseException | None) -> str:
    """Return the reason if an error or one of its causes says that an extra is not installed; empty for any other."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
            return str(error)
        if isinstance(error, EntraError) and (found := NEEDS_EXTRA.search(error.problem)):
            return f"Needs the extra {found[1]}."
        error = error.__cause__ or error.__context__
    return ""


def _skip_without_extra(error: Exception) -> NoReturn:
    """Skip a test that failed because an extra is not installed, with the reason; raise any other error."""
    reason = _missing_extra(error) if os.environ.get("ENTRAKIT_TEST_WITHOUT_EXTRAS") else ""
    if reason:
        pytest.skip(reason)
    raise error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Skip a test whose fixtures need an extra that is not installed."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again
        _skip_without_extra(error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip a test that needs an extra that is not installed."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again
        _skip_without_extra(error)


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kill the processes of tests that still run at the end of the run, and fail the run if there are any."""
    mark = f"ENTRAKIT_TEST_RUN={uuid.uuid4()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*mark.split("="))
        yield
        # A test that replaces the environment of a process sets its HOME to a directory of that test.
        left = processes.end(mark, f"{tmp_path_factory.getbasetemp()}{os.sep}")
    assert [] == left


@pytest.fixture(scope="session")
def test_ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a CA certificate, and a server context with a certificate of that CA for loopback names."""
    directory = tmp_path_factory.mktemp("ca")
    now = datetime.datetime.now(datetime.UTC)

    def certify(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:  # fmt: skip # noqa: E501
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # Python 3.13 requires these extensions of every certificate (RFC 5280, 4.2.1.1 to 4.2.1.3).
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
        )
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_file, leaf_file = directory / "ca.pem", directory / "leaf.pem"
    ca_file.write_bytes(certify("Inspecting Proxy CA", "Inspecting Proxy CA", ca_key, ca_key, ca=True))
    leaf_file.write_bytes(
        certify("localhost", "Inspecting Proxy CA", key, ca_key, ca=False)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return ca_file, context


@pytest.fixture
def raw_server(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[Callable[..., RawServer]]:
    """Return a function that starts a RawServer with the answers in its arguments."""
    servers: list[RawServer] = []

    def start(*answers: bytes | None) -> RawServer:
        servers.append(RawServer(test_ca[1], list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def token_server(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[TokenServer]:
    """Return a token service with chosen answers."""
    server = TokenServer(test_ca[1], "11111111-2222-3333-4444-555555555555")
    yield server
    server.close()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock whose sleeps take no time."""
    return FakeClock()


@pytest.fixture
def transport(test_ca: tuple[Path, ssl.SSLContext], clock: FakeClock) -> Iterator[Transport]:
    """Return a transport that trusts the RawServers and uses the fake clock."""
    one = Transport(ca_bundle=str(test_ca[0]), timeout_s=5.0, clock=clock)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a separate home directory and an environment without credentials and proxies."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("ENTRAKIT_HOME", str(home))
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST",
                 "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_USERNAME",
                 "AZURE_PASSWORD", "ENTRAKIT_VAULT", "ENTRAKIT_VAULT_KEY", "ENTRAKIT_VAULT_KEY_FROM",
                 "ENTRAKIT_VAULT_OLD_KEY", "ENTRAKIT_GRAPH_URL", "DBUS_SESSION_BUS_ADDRESS", "BROWSER",
                 "SSH_CONNECTION", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY",
                 "no_proxy", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT",
                 "MSI_ENDPOINT", "MSI_SECRET", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                 "ENTRAKIT_CONFIG", "ENTRAKIT_PROFILE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    return home


@pytest.fixture
def emulator(entra_tenant: Tenant, clock: FakeClock) -> Iterator[Callable[..., Connection]]:
    """Return a function that connects to the embedded tenant, with its CA and the fake clock."""
    transport = Transport(ca_bundle=entra_tenant.ca_path, timeout_s=10.0, clock=clock)
    entra_tenant.clock.follow(clock)

    def run(**parameters: object) -> Connection:
        common = {
            "tenant_id": entra_tenant.tenant_id,
            "client_id": entra_tenant.public_client,
            "cloud": find_cloud(entra_tenant.url),
            "transport": transport,
            "clock": clock,
        }
        # Only connect() can find out which parameter set this is; the type checker can't.
        any_set = cast("Callable[..., Connection]", connect)
        return any_set(**common | parameters)

    yield run
    transport.close()


@pytest.fixture
def app(emulator: Connect, entra_tenant: Tenant) -> Connect:
    """Return a function that connects the confidential app."""

    def run(**parameters: object) -> Connection:
        return emulator(**{"client_id": entra_tenant.confidential_client} | parameters)

    return run


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Return a function that makes a link in a directory where every user can make one, as another user would.

    Without root, the link is ours, but the directory is not, so that others could have put it there.
    """
    links: list[Path] = []

    def plant(target: Path) -> Path:
        shared = tmp_path / "shared" if os.geteuid() == 0 else Path("/tmp")
        shared.mkdir(exist_ok=True)
        link = shared / f"entrakit-test-{os.urandom(8).hex()}"
        link.symlink_to(target)
        links.append(link)
        if os.geteuid() == 0:
            shared.chmod(0o1777)
            os.chown(link, 54321, 54321, follow_symlinks=False)
        return link

    yield plant
    for link in links:
        link.unlink()
