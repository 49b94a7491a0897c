"""What all tests share: a clock that nobody waits for, a private home, and TLS servers that misbehave on demand."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from entrakit.http import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class FakeClock:
    """A clock whose sleeps take no time; `sleeps` lists them.

    Args:
        at: Seconds since 1970 to begin at; None for now.
    """

    def __init__(self, at: float | None = None) -> None:
        self.now = time.time() if at is None else at
        self.elapsed = 0.0
        self.sleeps: list[float] = []

    def time(self) -> float:
        return self.now + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.elapsed += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody having slept."""
        self.elapsed += seconds


class RawServer:
    """A TLS server on loopback that answers each connection with the next of a list of byte strings.

    An answer of None closes the connection without a byte.

    Args:
        context: Its certificate.
        answers: What to send, in order; the last one is repeated.
    """

    def __init__(self, context: ssl.SSLContext, answers: list[bytes | None]) -> None:
        self.requests: list[bytes] = []
        self._context = context
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its origin."""
        return f"https://localhost:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Stop accepting."""
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


@pytest.fixture(scope="session")
def test_ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a CA certificate, and a server context with a certificate of it for loopback names."""
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
    """Return a function that starts a RawServer with the answers that it is given."""
    servers: list[RawServer] = []

    def start(*answers: bytes | None) -> RawServer:
        servers.append(RawServer(test_ca[1], list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock whose sleeps take no time."""
    return FakeClock()


@pytest.fixture
def transport(test_ca: tuple[Path, ssl.SSLContext], clock: FakeClock) -> Iterator[Transport]:
    """Return a transport that trusts the RawServers, on the fake clock."""
    one = Transport(ca_bundle=str(test_ca[0]), timeout_s=5.0, clock=clock)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, and an environment without credentials."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("ENTRAKIT_HOME", str(home))
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST",
                 "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_USERNAME",
                 "AZURE_PASSWORD", "ENTRAKIT_VAULT_KEY", "BROWSER", "SSH_CONNECTION"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    return home
