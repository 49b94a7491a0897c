"""Uses of the public names that must type check; this file is never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_type

import msgspec

from entrakit import (
    Certificate,
    Connection,
    Secret,
    Token,
    Transport,
    UsernamePassword,
    connect,
    disconnect,
    get_connection,
)
from entrakit.graph import Client, Item
from entrakit.sign_in.flows.secret import ClientSecret

if TYPE_CHECKING:
    from azure.core.credentials import SupportsTokenInfo, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential


class Person(msgspec.Struct):
    """A type of result."""

    id: str


ID, TENANT = "Graph", "contoso.com"

assert_type(connect(client_id=ID, tenant_id=TENANT), Connection)
connect(client_id=ID, tenant_id=TENANT, browser=True, login_hint="ada@contoso.com", port=8400, timeout=60)
connect(client_id=ID, tenant_id=TENANT, device_code=True, on_device_code=print, scopes=["User.Read"])
connect(client_id=ID, tenant_id=TENANT, certificate=b"PFX", certificate_password="x")
connect(client_id=ID, tenant_id=TENANT, certificate=Certificate.from_path("app.pem"), send_certificate_chain=True)
connect(client_id=ID, tenant_id=TENANT, certificate_thumbprint="ab" * 20)
connect(client_id=ID, tenant_id=TENANT, certificate_name="CN=app")
connect(client_id=ID, tenant_id=TENANT, certificate_path="app.pfx", certificate_password=Secret("x"))
connect(client_id=ID, tenant_id=TENANT, client_secret="x", name="job", ensure=True, save_secret=True, cloud="usgov")
connect(client_id=ID, tenant_id=TENANT, credential=UsernamePassword("ada@contoso.com", "x"), transport=Transport())

connect(client_id=ID, tenant_id=TENANT, refresh_token="x", client_secret="y")
connect(client_id=ID, tenant_id=TENANT, on_behalf_of="x", certificate_path="app.pem", certificate_password="y")
connect(managed_identity=True, name="job", resource="https://vault.azure.net")
connect(managed_identity="x", identity_type="object_id", tenant_id=TENANT)
connect(identity_type="object_id")  # type: ignore[call-overload] # it goes with an id
connect(managed_identity="x", identity_type="name")  # type: ignore[call-overload] # unknown kind

connect(ClientSecret("x"), client_id=ID, tenant_id=TENANT, name="job", save_secret=True, timeout=60)

connect(ClientSecret("x"), client_id=ID, tenant_id=TENANT, login_hint="x")  # type: ignore[call-overload] # and a parameter
connect(client_id=ID, tenant_id=TENANT, client_secret="x", device_code=True)  # type: ignore[call-overload] # two sets
connect(client_id=ID, tenant_id=TENANT, authentication="x")  # type: ignore[call-overload] # unknown parameter
connect(ID, TENANT)  # type: ignore[call-overload] # keyword only

connect(client_id=ID, tenant_id=TENANT, on_behalf_of="x", device_code=True)  # type: ignore[call-overload] # two sets

with get_connection("job") as connection:
    assert_type(connect(like=connection, name="other", resource="https://vault.azure.net"), Connection)
    assert_type(connect(like="job", on_behalf_of="x"), Connection)
    assert_type(connection.token(), Token)
    assert_type(
        connection.token("https://vault.azure.net/.default", claims="{}", min_validity_s=60).scopes, tuple[str, ...]
    )
    assert_type(connection.headers(), dict[str, str])
    credential: TokenCredential = connection
    with_info: SupportsTokenInfo = connection

    graph = connection.graph
    assert_type(graph, Client)
    assert_type(graph.get("/me"), dict[str, object])
    assert_type(graph.get("/me", type=Person, select=["id"]), Person)
    assert_type(graph.post("/users", {"displayName": "Ada"}), dict[str, object] | None)
    assert_type(graph.items("/users", parallel=8), Iterator[dict[str, object]])
    assert_type(graph.items("/users", type=Person, filter={"accountEnabled": True}), Iterator[Person])
    assert_type(graph.run(graph.call("GET", "/me", type=Person)), Person)
    assert_type(graph.count("/users"), int)
    assert_type(
        graph.batch([graph.call("GET", "/me"), Item(graph.call("GET", "/me", type=Person), (0,))]), list[object]
    )
    graph.get("/me", selct="id")  # type: ignore[call-arg] # unknown option
    graph.get("/me", top="5")  # type: ignore[arg-type] # requires a number
    assert_type(connection.service("azure"), Client)
    async_credential: AsyncTokenCredential = connection.aio

assert_type(disconnect("job"), bool)
