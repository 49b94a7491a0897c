"""No secret leaks: every flow runs at debug level, without a secret in logs, errors, reprs or files (checklist 45)."""

from __future__ import annotations

import ast
import asyncio
import copy
import gc
import json
import logging
import os
import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.heartbeat import run_async
from tests.http.log_lines import everything_logged
from tests.vault.servers import RedisServer

import entrakit
from entrakit import Connection, Transport, UsernamePassword, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import EntraError
from entrakit.http.address import Origin
from entrakit.http.proxies import proxy_for
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.conftest import FakeClock

    from entrakit.http.message import Response
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit_emulator import Tenant

SECRET_FIELDS = {
    "access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "code",
    "code_verifier", "device_code", "assertion",
}  # fmt: skip


class Recorder(Transport):
    """A transport that records every secret in its requests and answers."""

    def __init__(self, ca_bundle: str, clock: FakeClock) -> None:
        super().__init__(ca_bundle=ca_bundle, clock=clock)
        self.secrets: set[str] = set()

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: str | bytes | None = None,
        repeatable: bool = True,
    ) -> Response:  # fmt: skip
        """Send the request, and record the secrets in it and in its answer."""
        for name, values in parse_qs(str(body or "")).items():
            if name in SECRET_FIELDS:
                self.secrets.update(values)
        answer = super().send(method, url, headers=headers, body=body, repeatable=repeatable)
        found = json.loads(answer.text)
        self.secrets.update(str(value) for name, value in found.items() if name in SECRET_FIELDS)
        return answer


@pytest.fixture
def recorder(entra_tenant: Tenant, clock: FakeClock) -> Recorder:
    """Return a transport that records secrets."""
    entra_tenant.clock.follow(clock)
    return Recorder(entra_tenant.ca_path, clock)


def walk_all_flows(tenant: Tenant, transport: Recorder, clock: FakeClock) -> list[Connection | EntraError]:
    """Connect with every flow, with valid and invalid credentials, save and renew; return connections and errors."""
    user, person = tenant.users.normal, tenant.person()
    pem = (tenant.certificate_pem + tenant.private_key_pem).encode()

    def open_browser(url: str) -> bool:
        transport.secrets.add(parse_qs(urlsplit(url).query)["state"][0])
        return person.open_browser(url)

    def approve(code: DeviceCode) -> None:
        person.approve_device(code.user_code)

    app, public = {"client_id": tenant.confidential_client}, {"client_id": tenant.public_client}
    api = {"client_id": tenant.api_client, "client_secret": tenant.api_secret}
    common = {"tenant_id": tenant.tenant_id, "cloud": find_cloud(tenant.url), "transport": transport, "clock": clock}
    caller = {"credential": UsernamePassword(user.upn, user.password), "scopes": [f"{tenant.api_uri}/Orders.Read"]}
    token = connect(**public, **caller, **common).token().access_token  # type: ignore[call-overload] # all sets
    attempts: list[dict[str, object]] = [
        {**app, "client_secret": tenant.client_secret, "save_secret": True},
        {**app, "client_secret": "canary-wrong-secret"},
        {**app, "certificate": pem, "save_secret": True},
        {**public, "credential": UsernamePassword(user.upn, user.password), "save_secret": True},
        {**public, "credential": UsernamePassword(user.upn, "canary-wrong-password")},
        {**public, "device_code": True, "on_device_code": approve},
        {**public, "open_browser": open_browser},
        {**api, "on_behalf_of": token, "save_secret": True},
        {**api, "on_behalf_of": f"{token[:-16]}canary-forgery"},
    ]
    outcomes: list[Connection | EntraError] = []
    for number, attempt in enumerate(attempts):
        try:
            outcomes.append(connect(**common, **attempt, name=f"c{number}"))  # type: ignore[call-overload] # all sets
        except EntraError as error:
            outcomes.append(error)
    person.wait()
    clock.advance(7200)
    for number in (0, 2, 3, 5, 6, 7):
        get_connection(f"c{number}", transport=transport, clock=clock).token()
    transport.secrets |= {
        user.password,
        tenant.client_secret,
        tenant.api_secret,
        token,
        "canary-wrong-secret",
        "canary-wrong-password",
    }
    transport.secrets.add(tenant.private_key_pem.splitlines()[3])
    return outcomes


def test_no_secret_is_seen(
    entra_tenant: Tenant, recorder: Recorder, clock: FakeClock, caplog: pytest.LogCaptureFixture, private_home: Path
) -> None:
    """
    With every logger at debug level, no token, code, verifier, assertion, secret, password or key appears anywhere.
    """
    caplog.set_level(logging.DEBUG)

    outcomes = walk_all_flows(entra_tenant, recorder, clock)

    # The log of the emulator's server contains the requests of browsers; it is not part of entrakit.
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    seen = [*logged, *map(repr, outcomes), str(dict(os.environ))]
    seen += [line for one in outcomes if isinstance(one, EntraError) for line in traceback.format_exception(one)]
    seen += [path.read_text("latin-1") for path in private_home.rglob("*") if path.is_file()]
    assert len(logged) > 20
    assert 9 == len(outcomes)
    assert 3 == sum(isinstance(one, EntraError) for one in outcomes)
    assert len(recorder.secrets) > 20
    for secret in recorder.secrets:
        assert len(secret) > 8
        assert [] == [text[max(0, text.find(secret) - 200) : text.find(secret)] for text in seen if secret in text]
    recorder.close()


def test_msal_is_kept_quiet(entra_tenant: Tenant, recorder: Recorder, clock: FakeClock) -> None:
    """
    MSAL's debug lines contain codes and verifiers (trap 10), so its loggers get the level WARNING unless they have one.
    """
    walk_all_flows(entra_tenant, recorder, clock)

    for name in ("msal", "urllib3"):
        assert logging.getLogger(name).level >= logging.WARNING
    recorder.close()


@pytest.mark.parametrize("is_chosen", [True, False])
def test_no_library_logs_a_secret(
    entra_tenant: Tenant, recorder: Recorder, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    *, is_chosen: bool,
) -> None:  # fmt: skip
    """
    With the root logger at DEBUG, or with every logger at DEBUG, no library below entrakit logs a secret: MSAL, the
    HTTP libraries of both clients, Redis, asyncio in its debug mode.
    """
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "canary-passphrase")
    with RedisServer(tmp_path, "--requirepass", "canary-redis") as server:
        monkeypatch.setenv("ENTRAKIT_VAULT", f"redis://:canary-redis@127.0.0.1:{server.port}/0")
        with everything_logged("msal", "msal.application", "msal.oauth2cli.oauth2", "msal.token_cache") as lines:
            if not is_chosen:
                for name in logging.root.manager.loggerDict:
                    logging.getLogger(name).setLevel(logging.NOTSET)
            walk_all_flows(entra_tenant, recorder, clock)
            connection = connect(
                client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, transport=recorder,
                client_secret=entra_tenant.client_secret, authority_url=entra_tenant.url, graph_url=entra_tenant.url,
                name="graph", clock=clock,
            )  # fmt: skip
            connection.graph.get("/users", top=1)
            run_async(_await_requests(connection), longest_block_s=30.0)

    secrets = recorder.secrets | {"canary-passphrase", "canary-redis"}
    logged = [line for line in lines if not line.startswith("uvicorn")]
    assert len(logged) > 20
    assert [] == [line[:200] for line in logged if any(secret in line for secret in secrets)]
    recorder.close()


async def _await_requests(connection: Connection) -> None:
    asyncio.get_running_loop().set_debug(True)
    await connection.aio.token()
    await connection.aio.graph.get("/users", top=1)
    await connection.aio.close()


def test_no_object_shows_a_secret(
    entra_tenant: Tenant, recorder: Recorder, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No object of entrakit that is alive after all flows shows a secret in its `repr` or in its attributes, and none can
    be pickled with one.
    """
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "canary-passphrase")
    outcomes = walk_all_flows(entra_tenant, recorder, clock)
    vault = Vault()
    entry = vault.read("c5")
    proxy = proxy_for(Origin("contoso.com"), None, {"HTTPS_PROXY": "http://ada:canary-proxy@proxy:80"})
    ref = vault.key_ref()
    assert ref is not None
    key = vault.keys.open(ref)
    secrets = {*recorder.secrets, "canary-passphrase", "canary-proxy", repr(key)[2:-1]}
    alive = [one for one in gc.get_objects() if str(type(one).__module__).partition(".")[0] == "entrakit"]

    assert "refresh_token" in entry.secrets
    assert {"Entry", "Keys", "Proxy", "Record", "Secret", "Vault"} <= {type(one).__name__ for one in alive}
    assert [] == sorted({f"{how} of {type(one)}" for one in alive for how in _ways_to_leak(one, secrets)})
    copies = (copy.copy(entry), copy.deepcopy(entry), copy.copy(vault))
    assert [] == [how for one in copies for how in _ways_to_leak(one, secrets)]
    assert entry == copies[0] == copies[1]
    assert proxy
    assert outcomes
    recorder.close()


def _ways_to_leak(value: object, secrets: set[str]) -> Iterator[str]:
    """Yield each way in which an object shows a secret, except the attributes with that purpose."""
    texts: dict[str, str] = {}
    try:
        texts |= {"repr": repr(value), "vars": repr(getattr(value, "__dict__", ""))}
        texts["pickle"] = pickle.dumps(value, protocol=2).decode("latin-1")
    except (TypeError, AttributeError, pickle.PicklingError) as error:  # AttributeError: an object without its fields
        texts["refusal"] = str(error)
    for how, text in texts.items():
        if any(secret in text for secret in secrets):
            yield how


def test_all_programs_are_started_without_secrets() -> None:
    """
    Each program that entrakit starts gets an environment without secrets.
    """
    calls: list[str] = []
    for path in Path(entrakit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(
                ("subprocess.", "os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "asyncio.create_sub")
            ):
                environs = [ast.unparse(one.value) for one in node.keywords if one.arg == "env"]
                calls.append(" ".join(environs) or f"none in {path.name}")

    assert 2 == len(calls)
    assert [] == [call for call in calls if not call.startswith("without_secrets(")]
