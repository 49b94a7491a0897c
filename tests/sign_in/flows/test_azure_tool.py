"""A signed-in tool of Azure gives the tokens: asked again for each renewal, by one process, without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from tests.sign_in.tools import FakeTools, token_with
from tests.vault.fleet import Fleet, set_clock

from entrakit import connect, get_connection
from entrakit.errors import InteractionRequiredError, ParameterError, ParameterSetError, SignInError
from entrakit.sign_in.azure_tools import TOOLS
from entrakit.sign_in.flows import azure_tool
from entrakit.sign_in.flows.azure_tool import AzureTool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """Return the tools, which are the only ones on the PATH besides those of the system."""
    found = FakeTools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{found.folder}:/usr/bin:/bin")
    return found


def token_of(tenant: str = TENANT, user: str = "1", **claims: object) -> str:
    """Return a token of a user."""
    return token_with(tid=tenant, oid=user, upn=f"{user}@contoso.com", **claims)


def answer(tool: str, token: str, expires_at: float) -> dict[str, object]:
    """Return the answer of a tool."""
    name = "accessToken" if tool == "azure_cli" else "token"
    return {name: token, "expires_on": int(expires_at)}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_signed_in_tool_gives_the_token(
    emulator: Connect, entra_tenant: Tenant, app: Connect, tools: FakeTools, clock: FakeClock, tool: str
) -> None:
    """
    A token of the tenant comes from the tool, nothing is sent to the token service, and a service accepts it. App and
    tenant need not be named: the app is the tool's, the tenant that of the token. A later process asks the tool again.
    """
    token = app(client_secret=entra_tenant.client_secret).token().access_token
    before = entra_tenant.journal.counts["token"]
    tools.give(**answer(tool, token, clock.time() + 3600))
    where = {"client_id": "", "tenant_id": "", "graph_url": entra_tenant.url}

    connection = emulator(**{tool: True}, **where, name="job")

    assert token == connection.token().access_token
    assert (entra_tenant.tenant_id, TOOLS[tool].client_id) == (connection.tenant_id, connection.info.client_id)
    assert connection.graph.get("/organization")
    assert before == entra_tenant.journal.counts["token"]
    assert connection.info.renews_alone
    assert {"az": "azure_cli", "azd": "azd", "pwsh": "azure_powershell"}[str(tools.calls[0]["name"])] == tool
    clock.advance(4000)
    following = token_of(entra_tenant.tenant_id, connection.account.object_id)
    tools.give(**answer(tool, following, clock.time() + 3600))
    with get_connection("job", clock=clock) as later:
        assert following == later.token().access_token


def test_the_tool_gets_no_secrets_and_runs_apart(
    tools: FakeTools, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It runs in its own folder with an empty input, without the secrets of this program, and with colors turned off.
    """
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "canary")
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "canary")
    monkeypatch.setenv("AZURE_CONFIG_DIR", "/somewhere")
    tools.give(accessToken=token_of(), expires_on=int(clock.time() + 3600))

    connect_any(azure_cli=True, clock=clock)

    (call,) = tools.calls
    environ = cast("dict[str, str]", call["environ"])
    assert ("", str(tools.folder)) == (call["input"], call["directory"])
    assert "canary" not in environ.values()
    assert ("/somewhere", "true") == (environ["AZURE_CONFIG_DIR"], environ["AZURE_CORE_NO_COLOR"])
    assert "--tenant" not in tools.words()


def test_tenant_scopes_and_resource_are_passed_on(tools: FakeTools, clock: FakeClock) -> None:
    """
    The tenant is passed on, and the default scope is everything of the resource. Azure PowerShell knows resources
    only, and refuses single permissions before it runs.
    """
    tools.give(token=token_of(), accessToken=token_of(), expires_on=int(clock.time() + 3600))

    connect_any(azure_cli=True, tenant_id="contoso.com", resource="https://vault.azure.net", clock=clock)
    assert ["--scope", "https://vault.azure.net/.default", "--tenant", "contoso.com"] == tools.words()[-4:]
    connection = connect_any(azd=True, scopes=["User.Read"], clock=clock)
    assert ["--scope", "https://graph.microsoft.com/User.Read"] == tools.words()[-2:]
    connection.token("api://orders/.default")
    assert ["--scope", "api://orders/.default", "--tenant-id", TENANT] == tools.words()[-4:]
    with pytest.raises(ParameterError, match="not for single permissions"):
        connect_any(azure_powershell=True, scopes=["User.Read"], clock=clock)
    assert {"az", "azd"} == {call["name"] for call in tools.calls}


def test_nothing_of_the_tool_is_saved(tools: FakeTools, clock: FakeClock, private_home: Path) -> None:
    """
    The saved settings name the tool, not its place; there is no refresh token.
    """
    tools.give(accessToken=token_of(), refreshToken="canary", expires_on=int(clock.time() + 3600))

    connection = connect_any(azure_cli=True, name="job", clock=clock)

    assert (("tool", "azure_cli"),) == connection.info.origin
    assert ("organizations", TENANT) == (connection.info.tenant_id, connection.tenant_id)
    kept = b"".join(path.read_bytes() for path in private_home.rglob("*") if path.is_file())
    assert b"canary" not in kept
    assert str(tools.folder).encode() not in kept


def test_another_tenant_or_account_is_noticed(tools: FakeTools, clock: FakeClock) -> None:
    """
    A renewal asks for the tenant of the first token. A token of another tenant or account is refused, so that signing
    in to the tool as somebody else does not change who a connection is.
    """
    tools.give(accessToken=token_of(), expires_on=int(clock.time() + 3600))
    connection = connect_any(azure_cli=True, clock=clock)

    clock.advance(3600)
    tools.give(accessToken=token_of(OTHER), expires_on=int(clock.time() + 3600))
    with pytest.raises(SignInError, match=f"token of the tenant {OTHER}, not of {TENANT}") as caught:
        connection.token()
    assert f"az login --tenant {TENANT}" in caught.value.remedy
    assert ["--tenant", TENANT] == tools.words()[-2:]
    clock.advance(1)
    tools.give(accessToken=token_of(user="2"), expires_on=int(clock.time() + 3600))
    with pytest.raises(SignInError, match="belongs to another account"):
        connection.token()
    clock.advance(1)
    tools.give(accessToken=token_of(), expires_on=int(clock.time() + 3600))
    assert token_of() == connection.token().access_token


def test_an_account_with_one_tenant_is_asked_without_it(tools: FakeTools, clock: FakeClock) -> None:
    """
    Azure CLI refuses a tenant if a managed identity is signed in. It is asked again without, and the token is checked.
    """
    tools.set("only_tenant", "yes")
    tools.give(accessToken=token_of(), expires_on=int(clock.time() + 3600))

    connect_any(azure_cli=True, tenant_id=TENANT, clock=clock)

    assert [True, False] == ["--tenant" in cast("list[str]", call["words"]) for call in tools.calls]
    with pytest.raises(SignInError, match="of the tenant"):
        connect_any(azure_cli=True, tenant_id=OTHER, clock=clock)


def test_a_claims_challenge_is_passed_on_or_explained(tools: FakeTools, clock: FakeClock) -> None:
    """
    Azure Developer CLI gets the challenge. Azure CLI can't request it, which is said without running it. That clients
    handle such challenges at all is not a challenge.
    """
    tools.give(accessToken=token_of(), token=token_of(), expires_on=int(clock.time() + 3600))
    azd, az = connect_any(azd=True, clock=clock), connect_any(azure_cli=True, clock=clock)
    challenge = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

    assert az.get_token("https://graph.microsoft.com/.default", enable_cae=True).token == token_of()
    count = len(tools.calls)
    azd.token(claims=challenge)
    assert (count + 1, "--claims") == (len(tools.calls), tools.words()[-2])
    with pytest.raises(InteractionRequiredError) as caught:
        az.token(claims=challenge)
    assert count + 1 == len(tools.calls)
    assert f"az login --tenant {TENANT} --scope https://graph.microsoft.com/.default --claims-ch" in caught.value.remedy
    tools.fail("ERROR: unknown flag: --claims")
    with pytest.raises(SignInError, match="can't request"):
        azd.token(claims=challenge)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_tool_is_named(tool: str, monkeypatch: pytest.MonkeyPatch, tools: FakeTools) -> None:
    """
    A tool in the current directory is not run, even if PATH has an entry for it.
    """
    monkeypatch.chdir(tools.folder)
    monkeypatch.setenv("PATH", ":.")

    with pytest.raises(SignInError, match=f"{TOOLS[tool].title} is not installed") as caught:
        connect_any(**{tool: True})

    assert "https://aka.ms/" in caught.value.remedy
    assert [] == tools.calls


def test_a_tool_that_hangs_is_ended(tools: FakeTools, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is ended with the programs that it has started, after a minute or the `timeout` of the caller.
    """
    tools.set("hang", 600)

    with pytest.raises(SignInError, match=r"Azure CLI took longer than 0\.5 seconds") as caught:
        connect_any(azure_cli=True, timeout=0.5)
    monkeypatch.setattr(azure_tool, "TIMEOUT_S", 0.4)
    with pytest.raises(SignInError, match=r"took longer than 0\.4 seconds"):
        connect_any(azure_cli=True)

    assert caught.value.retryable


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("", "something other than a token"),
        ("null", "something other"),
        ("[1, 2]", "something other"),
        ("{", "something other"),
        ("{" * 3000, "something other"),
        ('{"accessToken": 5, "expires_on": 99999999999}', "something other"),
        ('{"accessToken": "a b", "expires_on": 99999999999}', "something other"),
        ('{"accessToken": "a\\r\\nX: y", "expires_on": 99999999999}', "something other"),
        ('{"accessToken": "ä", "expires_on": 99999999999}', "something other"),
        ('{"accessToken": "abc"}', "something other"),
        ('{"accessToken": "abc", "expires_on": "soon"}', "something other"),
        ('{"accessToken": "abc", "expires_on": null}', "something other"),
        ('{"accessToken": "abc", "expires_on": 1e999}', "something other"),
        ('{"accessToken": "abc", "expiresOn": "never"}', "something other"),
        ('{"accessToken": "abc", "expires_on": 99999999999, "tokenType": "pop"}', "something other"),
        ('{"accessToken": "abc", "expires_on": 1}', "an expired token"),
        ("x" * 100_000, "wrote more than 64 KiB"),
    ],
)
def test_garbage_is_not_taken_for_a_token(tools: FakeTools, output: str, problem: str, private_home: Path) -> None:
    """
    An output without a usable token and its expiry is an error, and nothing is saved.
    """
    tools.set("output", output)

    with pytest.raises(SignInError, match=problem):
        connect_any(azure_cli=True, name="job")

    assert [] == [path for path in private_home.rglob("job*") if path.suffix != ".lock"]


@pytest.mark.parametrize(
    "output",
    [
        '{"accessToken": "abc", "expires_on": 4102444800}',
        '{"accessToken": "abc", "expires_on": "4102444800"}',
        'WARNING: update\n{\n  "accessToken": "abc",\n  "expiresOn": "2100-01-01 00:00:00.000000"\n}\n',
        '\ufeff{"token": "abc", "expiresOn": "2100-01-01T00:00:00Z"}\r\nbye',
    ],
)
def test_all_forms_of_the_answer_are_read(tools: FakeTools, output: str) -> None:
    """
    The expiry is a number, or a date as older versions and azd write it; warnings can be around the object.
    """
    tools.set("output", output)

    token = connect_any(azure_cli=True).token()

    assert "abc" == token.access_token
    assert abs(token.expires_at - 4102444800) <= 86400


def test_the_app_of_the_tool_can_not_be_replaced(tools: FakeTools) -> None:
    """
    The tool signs in with its own app; two tools, or a tool and another way, are refused. Nothing is run.
    """
    with pytest.raises(ParameterError, match="own app"):
        connect_any(azure_cli=True, client_id=OTHER)
    with pytest.raises(ParameterError, match="`azure_cli` and `azd` select different tools"):
        connect_any(azure_cli=True, azd=True)
    with pytest.raises(ParameterSetError):
        connect_any(azure_cli=True, client_secret="x")
    with pytest.raises(ParameterError, match="not a known tool"):
        AzureTool("gcloud")
    with pytest.raises(ParameterError, match="neither a GUID"):
        connect_any(device_code=True)
    assert [] == tools.calls


def test_a_value_says_the_same(tools: FakeTools, clock: FakeClock) -> None:
    """
    The value needs neither app nor tenant, either; with `ensure` a working connection is not made again.
    """
    tools.give(accessToken=token_of(), expires_on=int(clock.time() + 3600))
    connect_any(AzureTool("azure_cli"), name="job", clock=clock)

    connect_any(azure_cli=True, name="job", ensure=True, clock=clock)
    assert 1 == len(tools.calls)
    connect_any(AzureTool("azd"), name="job", ensure=True, clock=clock)
    assert 2 == len(tools.calls)


def test_a_tool_is_the_fallback_only_if_told(
    app: Connect, entra_tenant: Tenant, tools: FakeTools, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A sign-in that fails is an error. With `fallback`, the tool gives the tokens, for the same tenant, and its
    connection is the one that is saved and renewed. The reason is logged. A wrong parameter stays an error.
    """
    tools.give(accessToken=token_of(entra_tenant.tenant_id), expires_on=int(clock.time() + 3600))
    with pytest.raises(SignInError, match="client secret is wrong"):
        app(client_secret="wrong")
    with pytest.raises(ParameterError, match="not a known tool"):
        app(client_secret="wrong", fallback="gcloud")
    with pytest.raises(ParameterError):
        app(client_secret="wrong", fallback="azure_cli", save_secret=True)
    assert [] == tools.calls

    connection = app(client_secret="wrong", fallback="azure_cli", name="job")

    assert ("azure_tool", entra_tenant.tenant_id) == (connection.info.flow, connection.tenant_id)
    assert ["--tenant", entra_tenant.tenant_id] == tools.words()[-2:]
    assert "Signing in failed, so Azure CLI is used: The client secret is wrong." in caplog.text
    with get_connection("job", clock=clock) as later:
        assert connection.token().access_token == later.token().access_token
    assert "secret" == app(client_secret=entra_tenant.client_secret, fallback="azure_cli").info.flow
    tools.fail("ERROR: Please run 'az login' to setup account.")
    with pytest.raises(InteractionRequiredError, match="Azure CLI is not signed in"):
        app(client_secret="wrong", fallback="azure_cli")


@pytest.mark.timeout(240)
def test_64_processes_ask_the_tool_once(tools: FakeTools, clock: FakeClock) -> None:
    """
    64 processes request the token while it expires repeatedly: each expiry runs the tool once, and all get that token.
    """
    file = tools.folder / "clock"
    set_clock(file, clock.time())
    tools.set("mint", "token-")
    connect_any(azure_cli=True, name="work", clock=clock).close()
    with Fleet(64, file, {}) as fleet:
        for turn in range(3):
            clock.advance(2 * 3600)
            set_clock(file, clock.time())

            fleet.begin(10)
            answers = fleet.end()

            assert {f"1 token-{turn + 2}\n"} == answers
            assert turn + 2 == len(tools.calls)
