"""A managed identity on each host of the embedded tenant: requests, renewals and faults, from connect() to Graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Command

from entrakit import get_connection
from entrakit.errors import EntraError, NetworkError, ParameterError, SignInError, ThrottledError, UnexpectedAnswerError
from entrakit.sign_in import arc_key
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

HOSTS = ("imds", "app_service", "container_apps", "arc", "service_fabric", "azure_ml", "cloud_shell")
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'


@pytest.fixture
def on(
    emulator: Connect, entra_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], Connect]:
    """Return a function that puts the test on a host, and returns `connect()` for it."""

    def put(kind: str, **arguments: object) -> Connect:
        if kind == "arc":
            folder = tmp_path / "tokens"
            monkeypatch.setattr(arc_key, "LINUX_FOLDER", str(folder))
            arguments["directory"] = str(folder)
        for name, value in getattr(entra_tenant.identity, kind)(**arguments).items():
            monkeypatch.setenv(name, value)

        def run(**parameters: object) -> Connection:
            common = {"managed_identity": True, "client_id": "", "tenant_id": "", "graph_url": entra_tenant.url}
            return emulator(**common | parameters)

        return run

    return put


def requests(tenant: Tenant, kind: str) -> int:
    """Return the number of answers with a token of a host."""
    return sum(one.endpoint == kind and one.status == 200 for one in tenant.journal.entries)


@pytest.mark.parametrize("kind", HOSTS)
def test_each_host_gives_a_token_that_graph_accepts(
    on: Callable[[str], Connect], entra_tenant: Tenant, clock: FakeClock, kind: str
) -> None:
    """
    App and tenant come from the token. A later process asks the host again, once per expiry.
    """
    connection = on(kind)(name="job")

    assert entra_tenant.tenant_id == connection.tenant_id
    assert connection.graph.get("/organization")
    if kind != "cloud_shell":
        assert entra_tenant.system_identity == connection.info.client_id
    first = connection.token().access_token
    before = requests(entra_tenant, kind)
    clock.advance(connection.info.expires_at - clock.time() + 1)
    with get_connection("job", clock=clock) as later:
        assert first != later.token().access_token
        assert connection.token().access_token == later.token().access_token
    assert before + 1 == requests(entra_tenant, kind)


@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("what", ["client_id", "object_id", "resource_id"])
def test_an_identity_by_its_id(on: Callable[[str], Connect], entra_tenant: Tenant, kind: str, what: str) -> None:
    """
    Where a program can choose, it gets that identity, or hears that it does not exist; elsewhere nothing is sent.
    """
    (user,) = entra_tenant.identity.users
    here = on(kind)
    can = {"service_fabric": (), "cloud_shell": (), "azure_ml": ("client_id",)}.get(
        kind, ("client_id", "object_id", "resource_id")
    )

    if what not in can:
        with pytest.raises(ParameterError):
            here(managed_identity=getattr(user, what), identity_type=what)
        assert 0 == requests(entra_tenant, kind)
        return
    connection = here(managed_identity=getattr(user, what), identity_type=what)
    assert entra_tenant.user_identity == connection.info.client_id
    unknown = "cccccccc-2222-3333-4444-555555555555"
    unknown = user.resource_id + "x" if what == "resource_id" else unknown
    with pytest.raises(SignInError, match="does not have the identity with") as caught:
        here(managed_identity=unknown, identity_type=what)
    assert caught.value.remedy


@pytest.mark.parametrize("kind", HOSTS)
def test_an_unknown_resource_is_explained(on: Callable[[str], Connect], kind: str) -> None:
    """
    The error names the resource.
    """
    with pytest.raises(EntraError, match=r"api://nobody") as caught:
        on(kind)(resource="api://nobody")

    assert caught.value.remedy


@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_failure_that_passes(
    on: Callable[[str], Connect], entra_tenant: Tenant, clock: FakeClock, kind: str, status: int
) -> None:
    """
    The request is sent again, after the time that the host names. A failure that stays is explained.
    """
    here = on(kind)
    fault = faults.Throttle(endpoint=kind, retry_after=3) if status == 429 else faults.Failure(endpoint=kind)
    entra_tenant.faults.add(fault)

    here()

    assert status == 503 or 3 in clock.sleeps
    entra_tenant.faults.add(replace(fault, times=None))
    with pytest.raises((NetworkError, ThrottledError)) as caught:
        here()
    assert caught.value.retryable


@pytest.mark.parametrize("kind", HOSTS)
def test_garbage_is_an_error(on: Callable[[str], Connect], entra_tenant: Tenant, kind: str) -> None:
    """
    A page, a cut body or a body that is not JSON is not taken for a token.
    """
    here = on(kind)
    # The challenge of Azure Arc comes before the answer with the token.
    after = int(kind == "arc")
    for form in faults.Garbage.forms:
        entra_tenant.faults.add(faults.Garbage(endpoint=kind, form=form, after=after))
        with pytest.raises(UnexpectedAnswerError):
            here()
    entra_tenant.faults.add(faults.CaptivePortal(endpoint=kind, after=after))
    with pytest.raises(UnexpectedAnswerError):
        here()
    entra_tenant.faults.add(faults.OversizedBody(endpoint=kind, after=after))
    with pytest.raises(UnexpectedAnswerError, match="larger than"):
        here()
    entra_tenant.faults.add(faults.UnexpectedRedirect(endpoint=kind, after=after))
    with pytest.raises(UnexpectedAnswerError, match="redirects"):
        here()
    entra_tenant.faults.add(faults.Drop(endpoint=kind, is_mid_body=True, after=after))
    here()


@pytest.mark.parametrize("form", ["elsewhere", "upwards", "ending", "large", "missing", "unnamed"])
def test_a_challenge_that_is_a_trap(on: Callable[[str], Connect], entra_tenant: Tenant, form: str) -> None:
    """
    No file but a small one of the agent is sent.
    """
    here = on("arc")
    entra_tenant.faults.add(faults.ChallengeFile(form=form))
    with pytest.raises(SignInError, match="challenge of Azure Arc"):
        here()
    here()


def test_an_old_agent(on: Callable[..., Connect], entra_tenant: Tenant) -> None:
    """
    An agent that ignores ids is noticed.
    """
    here = on("arc", is_old=True)
    here()
    with pytest.raises(SignInError, match="another identity"):
        here(managed_identity=entra_tenant.user_identity)


@pytest.mark.parametrize("kind", HOSTS)
def test_a_challenge_of_an_api(on: Callable[[str], Connect], entra_tenant: Tenant, kind: str) -> None:
    """
    App Service and Service Fabric replace the refused token, and the request is repeated; other hosts can't.
    Cloud Shell keeps no tokens.
    """
    connection = on(kind)()
    before = connection.token().access_token
    entra_tenant.faults.add(faults.Challenge(endpoint="graph"))

    if kind in ("app_service", "container_apps", "service_fabric", "cloud_shell"):
        assert connection.graph.get("/organization")
        assert before != connection.token().access_token
    else:
        with pytest.raises(EntraError, match="returns the same one again"):
            connection.graph.get("/organization")


@pytest.mark.parametrize("kind", HOSTS)
def test_a_slow_host_is_awaited(on: Callable[[str], Connect], entra_tenant: Tenant, kind: str) -> None:
    """
    A host that has to get the token first may take its time.
    """
    here = on(kind)
    entra_tenant.faults.add(faults.Slow(endpoint=kind, seconds=0.3))

    assert here().graph.get("/organization")


@pytest.mark.parametrize("kind", HOSTS)
def test_the_command_uses_the_host(
    on: Callable[[str], Connect], entra_tenant: Tenant, private_home: Path, kind: str
) -> None:
    """
    `entra connect --managed-identity` needs nothing else, and requests are sent with its token.
    """
    on(kind)
    entra = Command(entra_tenant, private_home)

    made = entra("connect", "--managed-identity", "--graph-url", entra_tenant.url, "--ca-bundle", entra_tenant.ca_path)

    assert 0 == made.code, made.error
    assert f"to the tenant {entra_tenant.tenant_id} (managed_identity)" in made.error
    asked = entra("request", "GET", "/organization")
    assert 0 == asked.code, asked.error
    assert entra_tenant.tenant_id in asked.output
    assert "gets its next token from " in entra("status").error
