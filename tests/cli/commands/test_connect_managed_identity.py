"""`entra connect --managed-identity`: no ids, the command that connects again, and where the next token comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.conftest import FakeClock
from tests.sign_in.identity_server import APP, OBJECT, TENANT, IdentityServer, body_of, token, variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Command


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    """Return the endpoint of App Service, on which the command runs."""
    one = IdentityServer(FakeClock())
    for name, value in variables("app_service", one).items():
        monkeypatch.setenv(name, value)
    one.give(body_of("app_service", one.clock.time()))
    yield one
    one.close()


def test_the_option_is_enough_and_status_names_the_host(entra: Command, server: IdentityServer) -> None:
    """
    The value may be left out. `entra status` says where the next token comes from. Variables of other ways to sign in
    do not count.
    """
    entra.environ |= {"AZURE_CLIENT_ID": OBJECT, "AZURE_CLIENT_SECRET": "x"}

    made = entra("connect", "--managed-identity")

    assert 0 == made.code, made.error
    assert f"Connected as the app {APP} to the tenant {TENANT} (managed_identity)." in made.error
    assert "and renews itself." in made.error
    assert token() == entra("token").output.strip()
    assert "default gets its next token from App Service, as the managed identity." in entra("status").error
    (shown,) = json.loads(entra("status", "--json").output)
    assert ("App Service, as the managed identity", APP) == (shown["next_token_from"], shown["client_id"])
    assert "client_id" not in server.asked[0].query


@pytest.mark.usefixtures("server")
def test_status_names_the_tenant_that_nobody_named(entra: Command) -> None:
    """
    The tenant of a managed identity is that of its token. `entra status` prints it, and not `organizations`.
    """
    entra("connect", "--managed-identity")

    _, row = entra("status").output.splitlines()
    assert TENANT == row.split("\t")[4]
    assert TENANT == json.loads(entra("status", "--json").output)[0]["directory_id"]


def test_an_identity_has_no_secret_to_save(entra: Command, server: IdentityServer) -> None:
    """
    The host gives the tokens, so `--save-secret` saves nothing. `entra status` says so, and `--ensure` finds the
    connection.
    """
    entra("connect", "--managed-identity", "--save-secret")
    asked = len(server.asked)

    assert 0 == entra("connect", "--managed-identity", "--save-secret", "--ensure").code

    assert asked == len(server.asked)
    assert json.loads(entra("status", "--json").output)[0]["secret_kept"] is False


def test_an_identity_is_named_by_its_id(entra: Command, server: IdentityServer) -> None:
    """
    The id is the value of the option; another kind of id has its own option.
    """
    made = entra("connect", "--managed-identity", OBJECT, "--identity-type", "object_id", "--name", "job")

    assert 0 == made.code, made.error
    assert OBJECT == server.asked[-1].query["object_id"]
    server.give({"message": "No Managed Identity found"}, 400)
    gone = entra("token", "--name", "job", "--min-validity", "30h")
    assert (5, True) == (gone.code, "App Service does not have the identity with the object id" in gone.error)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--managed-identity", "name"), "is not a GUID"),
        (("--managed-identity", ""), "the value is empty"),
        (("--managed-identity", "--identity-type", "object_id"), "--identity-type is for an id."),
        (("--identity-type", "object_id"), "can't be used alone, only with --managed-identity"),
        (("--managed-identity", "--client-id", OBJECT), "Use --managed-identity ID for one of several"),
        (("--managed-identity", "--azure-cli"), "select different ways to sign in"),
        (("--managed-identity", APP, "--identity-type", "name"), "not a kind of id"),
    ],
)
def test_a_mistake_is_explained_in_options(
    entra: Command, server: IdentityServer, words: tuple[str, ...], message: str
) -> None:
    """
    A mistake ends with 2, names options, and nothing is sent.
    """
    refused = entra("connect", *words)

    assert (2, True) == (refused.code, message in refused.error), refused.error
    assert [] == server.asked


def test_the_command_that_connects_again_names_the_identity(entra: Command, server: IdentityServer) -> None:
    """
    The remedy of a connection that can't be used has the command that makes the same one.
    """
    from entrakit import get_connection
    from entrakit.cli.reconnect import reconnect

    assert 0 == entra("connect", "--managed-identity", OBJECT, "--identity-type", "object_id", "--name", "job").code
    assert 0 == entra("connect", "--managed-identity", APP, "--name", "one").code
    assert 0 == entra("connect", "--managed-identity", "--name", "two").code

    for name, words in (
        ("job", f"--managed-identity {OBJECT} --identity-type object_id"),
        ("one", f"--managed-identity {APP}"),
        ("two", "--managed-identity"),
    ):
        with get_connection(name) as connection:
            again = reconnect(connection.info)
        assert again.startswith(f"entra connect --name {name}")
        assert again.endswith(words)
        assert "client-id" not in again
    assert 0 == entra("connect", "--managed-identity", "--name", "two", "--ensure").code
    assert 3 == len(server.asked)
