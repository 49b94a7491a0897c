"""msgraph-sdk against the embedded tenant: objects, pages, queries, batches, delta, errors and retries."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory, PageIterator  # type: ignore[import-untyped] # unchanged
from msgraph_core.requests.batch_request_content import BatchRequestContent  # type: ignore[import-untyped] # unchanged
from msgraph_core.requests.batch_request_item import BatchRequestItem  # type: ignore[import-untyped] # unchanged
from tests.heartbeat import run_async

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from entrakit_emulator import Tenant

    Scenario = Callable[[GraphServiceClient], Coroutine[Any, Any, Any]]

GRAPH = "https://graph.microsoft.com"
ROLES = ("User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All")
# The first request of a process loads a thousand models.
pytestmark = pytest.mark.timeout(90)


class Credential:
    """A credential with one token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **more: object) -> AccessToken:
        del scopes, more
        return AccessToken(self._token, int(time.time()) + 3600)


@pytest.fixture
def run(tenant: Tenant) -> Callable[[Scenario], Any]:
    """Return a function that runs a scenario with a client of the SDK, created as its documentation says."""
    tenant.seed.grant_roles(tenant.confidential_client, GRAPH, ROLES)
    trust = ssl.create_default_context(cafile=tenant.ca_path)
    form = {
        "client_id": tenant.confidential_client, "client_secret": tenant.client_secret,
        "grant_type": "client_credentials", "scope": f"{GRAPH}/.default",
    }  # fmt: skip
    response = httpx.post(f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token", data=form, verify=trust)
    credential = Credential(response.json()["access_token"])

    async def walk(scenario: Scenario) -> object:
        # The SDK's own transport wraps this one, and does not close it.
        async with httpx.AsyncHTTPTransport(verify=trust) as inner, httpx.AsyncClient(transport=inner) as http:
            client = GraphClientFactory.create_with_default_middleware(client=http)
            provider = AzureIdentityAuthenticationProvider(credential, allowed_hosts=["localhost"])
            adapter = GraphRequestAdapter(provider, client)
            adapter.base_url = f"{tenant.url}/v1.0"
            return await scenario(GraphServiceClient(request_adapter=adapter))

    return lambda scenario: run_async(walk(scenario), longest_block_s=60)


def user(name: str, **more: Any) -> User:  # noqa: ANN401 - of many types
    """Return a user to create."""
    return User(
        account_enabled=True, display_name=name, mail_nickname=name.lower(),
        user_principal_name=f"{name.lower()}@contoso.example",
        password_profile=PasswordProfile(password="Fresh-Pass-1", force_change_password_next_sign_in=False), **more,
    )  # fmt: skip


def users_like(**parameters: Any) -> Any:  # noqa: ANN401 - the SDK's own
    """Return the configuration of a list of users; with a count or a search it is an advanced query."""
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(**parameters)
    configuration = RequestConfiguration(query_parameters=query)
    if "count" in parameters:
        configuration.headers.add("ConsistencyLevel", "eventual")
    return configuration


async def made(create: Awaitable[Any]) -> str:
    """Return the id of a created object."""
    return str((await create).id)


def test_the_life_of_a_user(run: Callable[[Scenario], Any]) -> None:
    """
    A user is created, read, changed and deleted; the models of the SDK read all of it.
    """

    async def scenario(graph: GraphServiceClient) -> None:
        key = await made(graph.users.post(user("Una", city="Köln")))
        one = graph.users.by_user_id(key)
        await one.patch(User(job_title="Clerk", business_phones=["+49 1"]))
        found = await one.get()
        listed = await graph.users.get(users_like(filter="startsWith(displayName,'Una')", select=["id", "city"]))
        await one.delete()
        with pytest.raises(ODataError) as missing:
            await one.get()

        assert found is not None
        assert ("Una", "Clerk", ["+49 1"]) == (found.display_name, found.job_title, found.business_phones)
        assert listed is not None
        assert [(key, "Köln")] == [(other.id, other.city) for other in listed.value or []]
        assert 404 == missing.value.response_status_code

    run(scenario)


def test_errors_are_read(run: Callable[[Scenario], Any]) -> None:
    """
    Code, message and the ids of the inner error are in the SDK's error.
    """

    async def scenario(graph: GraphServiceClient) -> ODataError:
        with pytest.raises(ODataError) as refused:
            await graph.users.post(User(display_name="Nobody"))
        return refused.value

    error = run(scenario)

    assert 400 == error.response_status_code
    assert "Request_BadRequest" == error.error.code
    assert "A value is required for property" in error.error.message
    assert error.error.inner_error.request_id
    assert error.error.inner_error.date


def test_its_page_iterator_turns_all_pages(run: Callable[[Scenario], Any]) -> None:
    """
    The iterator follows all next links, and returns each object once.
    """

    async def scenario(graph: GraphServiceClient) -> tuple[list[str], list[str]]:
        keys = [await made(graph.users.post(user(f"U{number}"))) for number in range(12)]
        page = await graph.users.get(users_like(top=5, filter="startsWith(displayName,'U')"))
        assert page is not None
        assert page.odata_next_link
        names: list[str] = []

        def note(one: User) -> bool:
            names.append(str(one.id))
            return True

        await PageIterator(page, graph.request_adapter).iterate(note)
        return keys, names

    keys, names = run(scenario)

    assert keys == names


def test_count_search_and_filter(run: Callable[[Scenario], Any]) -> None:
    """
    Advanced queries work with the header, are refused without it, and the count is plain text.
    """

    async def scenario(graph: GraphServiceClient) -> tuple[Any, Any, Any, ODataError]:
        searched = await graph.users.get(users_like(search='"displayName:Ada"', count=True))
        ended = await graph.users.get(users_like(filter="endsWith(mail,'@contoso.example')", count=True))
        configuration = users_like(count=True)
        configuration.query_parameters = None
        count = await graph.users.count.get(configuration)
        with pytest.raises(ODataError) as refused:
            await graph.users.get(users_like(search='"displayName:Ada"'))
        return searched, ended, count, refused.value

    searched, ended, count, refused = run(scenario)

    assert (1, ["ada@contoso.example"]) == (searched.odata_count, [one.user_principal_name for one in searched.value])
    assert len(ended.value) == ended.odata_count <= count
    assert "Request_UnsupportedQuery" == refused.error.code


def test_groups_and_members(run: Callable[[Scenario], Any], tenant: Tenant) -> None:
    """
    Members are added by reference, and listed with their types.
    """

    async def scenario(graph: GraphServiceClient) -> tuple[str, Any, Any]:
        group = Group(display_name="Desk", mail_enabled=False, mail_nickname="desk", security_enabled=True)
        one = graph.groups.by_group_id(await made(graph.groups.post(group)))
        key = await made(graph.users.post(user("Una")))
        reference = ReferenceCreate(odata_id=f"{tenant.url}/v1.0/directoryObjects/{key}")
        await one.members.ref.post(reference)
        members = await one.members.get()
        await one.members.by_directory_object_id(key).ref.delete()
        query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(filter="displayName eq 'Desk'")
        left = await graph.groups.get(RequestConfiguration(query_parameters=query))
        return key, members, left

    key, members, left = run(scenario)

    assert [(key, User)] == [(one.id, type(one)) for one in members.value]
    assert 1 == len(left.value)


def test_batches(run: Callable[[Scenario], Any]) -> None:
    """
    Reads, writes and errors of one batch are found by their ids, although they come in another order.
    """

    async def scenario(graph: GraphServiceClient) -> tuple[Any, Any]:
        content = BatchRequestContent()
        requests = {
            "list": graph.users.to_get_request_information(users_like(top=2)),
            "make": graph.users.to_post_request_information(user("Una")),
            "none": graph.users.by_user_id("nobody@contoso.example").to_get_request_information(),
        }
        for key, request in requests.items():
            content.add_request(key, BatchRequestItem(request, id=key))
        answers = await graph.batch.post(content)
        # This release does not read bodies of items: it accepts base64 strings only, which the service does not send.
        return answers, await graph.users.by_user_id("una@contoso.example").get()

    answers, found = run(scenario)

    assert {"list": 200, "make": 201, "none": 404} == answers.get_response_status_codes()
    assert answers.get_response_by_id("make").headers["Location"].endswith("Microsoft.DirectoryServices.User")
    assert "Una" == found.display_name


def test_delta(run: Callable[[Scenario], Any]) -> None:
    """
    After a first round, the next one has the created, changed and deleted users, with a tombstone.
    """

    async def scenario(graph: GraphServiceClient) -> tuple[set[str], list[Any], str]:
        gone = await made(graph.users.post(user("Gone")))
        page = await graph.users.delta.get()
        assert page is not None
        while page.odata_next_link:
            page = await graph.users.delta.with_url(page.odata_next_link).get()
            assert page is not None
        new = await made(graph.users.post(user("New")))
        await graph.users.by_user_id(gone).delete()
        assert page.odata_delta_link
        later = await graph.users.delta.with_url(page.odata_delta_link).get()
        assert later is not None
        return {gone, new}, list(later.value or []), gone

    keys, items, gone = run(scenario)

    assert keys == {one.id for one in items}
    assert [gone] == [one.id for one in items if "@removed" in one.additional_data]


def test_it_repeats_what_was_throttled(run: Callable[[Scenario], Any], tenant: Tenant) -> None:
    """
    The SDK's own retry handler waits for the given time, and repeats the request.
    """
    tenant.faults.add(faults.Throttle(endpoint="graph", retry_after=1))
    started = time.monotonic()

    page = run(lambda graph: graph.users.get())

    assert page.value
    assert time.monotonic() - started >= 1
    assert [429, 200] == [one.status for one in tenant.journal.of("graph")]
