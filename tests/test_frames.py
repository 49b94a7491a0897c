"""Errors leave the library without the local variables of its calls, which hold secrets."""

from __future__ import annotations

import io
import json
import traceback
from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote_plus

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport as SentryTransport
from tests.heartbeat import run_async
from tests.test_no_secret_leaks import Recorder

from entrakit import Secret, Transport, UsernamePassword, connect, get_connection
from entrakit.certificates import Certificate
from entrakit.cli import main
from entrakit.cli.context import Streams
from entrakit.errors import EntraError, ParameterError
from entrakit.frames import clears_locals
from entrakit.vault import Vault
from entrakit.vault.bundle import restore
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sentry_sdk.envelope import Envelope
    from tests.conftest import FakeClock

    from entrakit_emulator import Tenant

CANARY = "canary-5ecret"


class Events(SentryTransport):
    """A transport that keeps the events instead of sending them."""

    sent: ClassVar[list[object]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event."""
        self.sent.extend(item.payload.json for item in envelope.items)


@pytest.fixture
def sentry() -> Iterator[list[object]]:
    """Start Sentry's client with its default settings, and give the events that it would send."""
    Events.sent.clear()
    with sentry_sdk.new_scope():
        sentry_sdk.init("https://key@localhost/1", transport=Events)
        yield Events.sent
        sentry_sdk.flush()
        sentry_sdk.init()


def failures(tenant: Tenant, transport: Recorder, clock: FakeClock) -> dict[str, Callable[[], object]]:
    """Return functions that fail, each on another way through the library. Their secrets are in the transport."""
    user = tenant.users.normal
    common: dict[str, Any] = {
        "tenant_id": tenant.tenant_id,
        "authority_url": tenant.url,
        "graph_url": tenant.url,
        "clock": clock,
    }
    app = {**common, "client_id": tenant.confidential_client, "transport": transport}
    public = {**common, "client_id": tenant.public_client, "transport": transport}
    apps = connect(**app, client_secret=tenant.client_secret)
    person = tenant.person()
    users = connect(**public, open_browser=person.open_browser, name="user")
    person.wait()
    transport.secrets |= {CANARY, tenant.client_secret, user.password, tenant.private_key_pem.splitlines()[3]}

    def interrupt(url: str) -> bool:
        raise KeyboardInterrupt(url[:10])

    return {
        "secret": lambda: connect(**app, client_secret=CANARY),
        "secret that is impossible": lambda: connect(**app, client_secret=f"{CANARY}\n\n"),
        "secret that is not UTF-8": lambda: connect(**app, client_secret=f"{CANARY}\udc80"),
        "parameters": lambda: connect(**{**app, "device_code": True}, client_secret=CANARY),
        "password": lambda: connect(**public, credential=UsernamePassword(user.upn, CANARY)),
        "certificate": lambda: connect(**app, certificate=damaged(tenant)),
        "password of a certificate": lambda: connect(**app, certificate=damaged(tenant), certificate_password=CANARY),
        "certificate alone": lambda: Certificate.from_bytes(damaged(tenant), CANARY),
        "interrupt": lambda: connect(**public, open_browser=interrupt),
        "renewal": lambda: users.token("https://vault.azure.net/.default"),
        "renewal of an app": lambda: apps.token("https://nowhere.example/.default"),
        "awaited renewal": lambda: run_async(_awaited(users)),
        "credential of azure-core": lambda: users.get_token("https://vault.azure.net/.default"),
        "request": lambda: apps.graph.get("/nothing"),
        "broken request": lambda: apps.graph.get("/users"),
        "awaited request": lambda: run_async(_awaited_request(apps)),
        "import": lambda: restore(Vault(), b"{}", Secret(CANARY)),
    }


def damaged(tenant: Tenant) -> bytes:
    """Return the key of the tenant's app with a certificate that can't be read."""
    return (tenant.private_key_pem + tenant.certificate_pem[:-900]).encode()


async def _awaited(connection: object) -> None:
    await connection.aio.token("https://vault.azure.net/.default")  # type: ignore[attr-defined] # a Connection


async def _awaited_request(connection: object) -> None:
    try:
        await connection.aio.graph.get("/nothing")  # type: ignore[attr-defined] # a Connection
    finally:
        await connection.aio.close()  # type: ignore[attr-defined] # a Connection


def shapes(secret: str) -> set[str]:
    """Return the forms in which a secret can be in a report: also cut off, encoded for a form, and as base64."""
    cut = secret[:60]
    return {cut, quote_plus(cut), b64encode(secret.encode()).decode()[:60]}


def test_reports_of_errors_contain_no_secrets(entra_tenant: Tenant, clock: FakeClock, sentry: list[object]) -> None:
    """
    Neither Sentry's client with its defaults nor `traceback` with local variables finds a secret in an error, whichever
    call fails: connecting, a renewal, a request, blocking and awaited. The lines of the traceback are complete.
    """
    entra_tenant.clock.follow(clock)
    recorder = Recorder(entra_tenant.ca_path, clock)
    shown: dict[str, str] = {}
    for name, fail in failures(entra_tenant, recorder, clock).items():
        if "broken" in name or "renewal" in name:
            entra_tenant.faults.add(faults.Drop(endpoint="token" if "renewal" in name else "graph", times=None))
        error = _error_of(fail)
        entra_tenant.faults.clear()
        sentry_sdk.capture_exception(error)
        sentry_sdk.flush()
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        shown[name] = json.dumps(sentry[-1]) + "".join(lines)

    secrets = {shape for secret in recorder.secrets for shape in shapes(secret)}
    assert len(recorder.secrets) > 8
    assert [] == [name for name, text in shown.items() if any(secret in text for secret in secrets)]
    assert "in connect_one" in shown["secret"]
    assert "_msal.py" in shown["secret"]
    assert "runner.py" in shown["request"]
    recorder.close()


def _error_of(fail: Callable[[], object]) -> BaseException:
    try:
        fail()
    except (EntraError, KeyboardInterrupt) as error:
        return error
    pytest.fail("it did not fail")


def test_a_wrong_vault_key_is_not_in_the_error(entra_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If a saved connection does not open, the frames of the error hold no key and no environment.
    """
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "canary-passphrase-1")
    Vault().write("one", {}, {"refresh_token": CANARY})
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "canary-passphrase-2")
    error = _error_of(lambda: get_connection("one"))

    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "canary" not in text
    assert "in open" in text


def test_the_command_clears_them_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An error that the command reports keeps no local variables either.
    """
    kept: list[BaseException] = []

    def keep(error: EntraError) -> str:
        kept.append(error)
        return error.problem

    monkeypatch.setattr("entrakit.cli.words.problem_of", keep)
    (tmp_path / "secret").write_text(CANARY + "\t\t")
    (tmp_path / "secret").chmod(0o600)
    words = ["connect", "--client-id", "11111111-1111-1111-1111-111111111111", "--tenant-id", "contoso.com"]
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    main([*words, "--client-secret-file", str(tmp_path / "secret")], streams, {"ENTRAKIT_HOME": str(tmp_path)})

    frames = [frame for frame, _ in traceback.walk_tb(kept[0].__traceback__)]
    assert len(frames) > 3
    assert [] == [frame.f_code.co_name for frame in frames[1:] if frame.f_locals]


def test_frames_of_the_caller_stay() -> None:
    """
    The error that the caller was handling is not the library's: its frames keep their local variables. Causes, groups
    and circles of errors are cleared.
    """

    def callers() -> None:
        local = "of the caller"
        raise ValueError(local[:0])

    def ours() -> None:
        token = CANARY
        try:
            raise ExceptionGroup("group", [OSError(token[:0])])
        except ExceptionGroup as group:
            group.exceptions[0].__context__ = group
            raise ParameterError("problem") from group

    @clears_locals
    def call(secret: str) -> None:
        del secret
        ours()

    def call_while_handling() -> None:
        try:
            callers()
        except ValueError:
            call(CANARY)

    with pytest.raises(ParameterError) as caught:
        call_while_handling()
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    assert CANARY not in text
    assert "of the caller" in text
    assert "in ours" in text


def test_a_transport_of_the_program_changes_nothing(entra_tenant: Tenant) -> None:
    """
    An error that is not entrakit's passes unchanged, and its frames are cleared as well, since it met secrets.
    """

    class Broken(Transport):
        def send(self, *args: object, **more: object) -> object:  # type: ignore[override] # never returns
            raise ZeroDivisionError

    common: dict[str, Any] = {"tenant_id": entra_tenant.tenant_id, "authority_url": entra_tenant.url}
    with pytest.raises(ZeroDivisionError) as caught:
        connect(client_id=entra_tenant.confidential_client, client_secret=CANARY, transport=Broken(), **common)

    assert CANARY not in "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    ).replace(f'client_secret="{CANARY}"', "")
