"""No secret leaks: every flow runs at debug level, without a secret in logs, errors, reprs or files (checklist 45)."""

from __future__ import annotations

import json
import logging
import os
import traceback
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from entrakit import Connection, Transport, UsernamePassword, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import EntraError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit.http.message import Response
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit_emulator import Tenant

SECRET_FIELDS = {
    "access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "code",
    "code_verifier", "device_code",
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
    attempts: list[dict[str, object]] = [
        {**app, "client_secret": tenant.client_secret, "save_secret": True},
        {**app, "client_secret": "canary-wrong-secret"},
        {**app, "certificate": pem, "save_secret": True},
        {**public, "credential": UsernamePassword(user.upn, user.password), "save_secret": True},
        {**public, "credential": UsernamePassword(user.upn, "canary-wrong-password")},
        {**public, "device_code": True, "on_device_code": approve},
        {**public, "open_browser": open_browser},
    ]
    common = {"tenant_id": tenant.tenant_id, "cloud": find_cloud(tenant.url), "transport": transport, "clock": clock}
    outcomes: list[Connection | EntraError] = []
    for number, attempt in enumerate(attempts):
        try:
            outcomes.append(connect(**common, **attempt, name=f"c{number}"))  # type: ignore[call-overload] # all sets
        except EntraError as error:
            outcomes.append(error)
    person.wait()
    clock.advance(7200)
    for number in (0, 2, 3, 5, 6):
        get_connection(f"c{number}", transport=transport, clock=clock).token()
    transport.secrets |= {user.password, tenant.client_secret, "canary-wrong-secret", "canary-wrong-password"}
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
    assert 7 == len(outcomes)
    assert 2 == sum(isinstance(one, EntraError) for one in outcomes)
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
