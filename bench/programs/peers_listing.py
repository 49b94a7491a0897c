"""Listing with other clients: `urllib3` with msgspec, `httpx2` with json, `aiohttp` with orjson, `msgraph-sdk`."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from importlib import import_module

from bench.programs.user import Page, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from msgraph.graph_service_client import GraphServiceClient


def urllib3_msgspec(url: str, ca: str, token: str) -> int:
    """List with urllib3 and msgspec."""
    import msgspec
    import urllib3

    decoder, total, link = msgspec.json.Decoder(Page), 0, url
    with urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=ca)) as one:
        while link:
            page = decoder.decode(one.request("GET", link, headers={"Authorization": f"Bearer {token}"}).data)
            total += len(page.value)
            link = page.next_link or ""
    return total


def httpx2_json(url: str, ca: str, token: str) -> int:
    """List with httpx2 and the standard library's JSON."""
    import httpx2

    total, link = 0, url
    with httpx2.Client(
        verify=ssl.create_default_context(cafile=ca), headers={"Authorization": f"Bearer {token}"}
    ) as one:
        while link:
            page = json.loads(one.get(link).content)
            total += len(page["value"])
            link = page.get("@odata.nextLink", "")
    return total


async def aiohttp_orjson(url: str, ca: str, token: str) -> int:
    """List with aiohttp and orjson."""
    import aiohttp
    import orjson

    total, link = 0, url
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca))
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:
        while link:
            async with session.get(link) as answer:
                page = orjson.loads(await answer.read())
            total += len(page["value"])
            link = page.get("@odata.nextLink", "")
    return total


def sdk_client(origin: str, ca: str, token: str) -> GraphServiceClient:
    """Return a client of msgraph-sdk for an origin."""
    import httpx
    from azure.core.credentials import AccessToken
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient
    from msgraph_core import GraphClientFactory  # type: ignore[import-untyped] # the package has no types

    class Credential:
        def get_token(self, *scopes: str, **more: object) -> AccessToken:
            return AccessToken(token, int(time.time()) + 3600)

    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca))
    )
    provider = AzureIdentityAuthenticationProvider(Credential(), allowed_hosts=["localhost"])
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = f"{origin}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def msgraph_sdk(url: str, ca: str, token: str, most: int) -> int:
    """List typed users with msgraph-sdk, following the next links, until `most` users are read."""
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    graph = sdk_client(url.partition("/v1.0")[0], ca, token)
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=999)
    page = await graph.users.get(UsersRequestBuilder.UsersRequestBuilderGetRequestConfiguration(query_parameters=query))
    total = 0
    while page is not None:
        total += len(page.value or [])
        if total >= most:
            break
        page = await graph.users.with_url(page.odata_next_link).get() if page.odata_next_link else None
    return total


def load(what: str) -> None:
    """Load the modules of a client before the time is taken."""
    modules = {
        "httpx2": ["httpx2", "httpcore2"],
        "aiohttp": ["aiohttp", "orjson"],
        "msgraph-sdk": ["httpx", "msgraph", "msgraph_core", "msgraph.generated.users.users_request_builder"],
    }
    for module in modules[what]:
        import_module(module)


if __name__ == "__main__":
    what, url, ca, *limit = sys.argv[1:]
    token = os.environ["TOKEN"]
    load(what)
    begun = time.perf_counter()
    if what == "httpx2":
        count = httpx2_json(url, ca, token)
    elif what == "aiohttp":
        count = asyncio.run(aiohttp_orjson(url, ca, token))
    else:
        count = asyncio.run(msgraph_sdk(url, ca, token, int(limit[0])))
    print(json.dumps(report(begun, count)))
