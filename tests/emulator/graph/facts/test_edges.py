"""Rare cases: limits, errors, and the last branches of a rule (service facts, 3.2, 3.5, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

NOBODY = "00000000-1111-4222-8333-444444444444"


def test_a_long_address_is_refused_outside_a_batch(graph: Graph) -> None:
    """
    A URL over 8 KB gives 414 with an HTML page from a server in front of Graph (3.2). Items of a batch have no limit
    (3.8).
    """
    made = graph.add_user("una")
    path = f"users?$filter=id in ('{made['id']}')&$select={','.join(['id', *['displayName'] * 800])}"

    alone = graph.get(path)
    packed = graph.call("POST", "$batch", {"requests": [{"id": "1", "method": "GET", "url": f"/{path}"}]})

    assert (414, "text/html") == (alone.status_code, alone.headers["content-type"].partition(";")[0])
    assert [200] == [one["status"] for one in packed.json()["responses"]]


@pytest.mark.parametrize("collection", ["groups", "applications", "servicePrincipals"])
def test_every_collection_can_be_counted(graph: Graph, collection: str) -> None:
    """
    Every collection can be counted by the segment `$count`, as plain text.
    """
    graph.add_group("team")

    assert len(graph.value(f"{collection}?$top=999")) == int(graph.get(f"{collection}/$count", advanced=True).text)


@pytest.mark.parametrize(
    "expression",
    [
        "endsWith(displayName,'a')",
        "assignedLicenses/$count eq 2",
        "assignedLicenses/$count eq 1.5",
        "displayName eq 'x' eq 'y'",
    ],
)
def test_advanced_filters_have_limits_too(graph: Graph, expression: str) -> None:
    """
    The function endsWith supports four properties, and counts are compared with 0 and 1 only (3.5).
    """
    assert 400 == graph.get(f"users?$filter={expression}&$count=true", advanced=True).status_code


def test_all_elements_of_a_list(graph: Graph) -> None:
    """
    The lambda `all` requires an advanced query, and is true for an empty list (3.5).
    """
    graph.add_user("una", otherMails=["una@home.example", "una@work.example"])
    graph.add_user("ulf", otherMails=["ulf@home.example"])
    query = "users?$filter=otherMails/all(m:startswith(m,'una@')) and startswith(displayName,'u')"

    assert ["una"] == graph.names(f"{query}&$count=true", advanced=True)
    assert 400 == graph.get(query).status_code


def test_values_in_any_script_in_a_list(graph: Graph) -> None:
    """
    The operator `in` compares as `eq` does.
    """
    graph.add_user("una", department="Økonomi")

    assert ["una"] == graph.names("users?$filter=department in ('økonomi','x')")


def test_a_preferred_page_size(graph: Graph) -> None:
    """
    `Prefer` sets the page size if there is no `$top`.
    """
    response = graph.call("GET", "users", headers={"Prefer": "odata.maxpagesize=2"})

    assert 2 == len(response.json()["value"])
    assert "@odata.nextLink" in response.json()


def test_lists_of_mixed_types_are_not_filtered(graph: Graph) -> None:
    """
    A filter on a list of mixed types is refused with the service's message.
    """
    group = graph.add_group("team")

    assert (400, "Request_UnsupportedQuery") == graph.refused(
        graph.get(f"groups/{group['id']}/members?$filter=displayName eq 'x'")
    )
    assert 400 == graph.get(f"groups/{group['id']}/members/microsoft.graph.shoe").status_code
    assert 501 == graph.get("directory/deletedItems/microsoft.graph.user?$filter=id eq 'x'").status_code


@pytest.mark.parametrize("bound", ["x", {"a": 1}, [7], [""], ["/"]])
def test_references_of_another_type(graph: Graph, bound: object) -> None:
    """
    The body of getByIds must be a list of ids.
    """
    path = f"groups/{graph.add_group('team')['id']}"

    assert graph.call("PATCH", path, {"members@odata.bind": bound}).status_code in (400, 404)


def test_a_subscription_that_there_is_not(graph: Graph) -> None:
    """
    An unknown subscription gives 404, like any object.
    """
    assert 404 == graph.get(f"subscribedSkus/{NOBODY}").status_code
    assert 400 == graph.get("subscribedSkus?$filter=skuId eq 'x'").status_code


def test_what_graph_knows_survives_what_a_test_changes(graph: Graph) -> None:
    """
    A change by the seeds changes only the properties that the token service has.
    """
    made = graph.add_user("una", jobTitle="Engineer", mail="una@contoso.example")
    graph.caller.tenant.seed.change_user("una@contoso.example", {"is_enabled": False})
    body = graph.get(f"users/{made['id']}?$select=jobTitle,accountEnabled,mail").json()

    assert ("Engineer", False, "una@contoso.example") == tuple(
        body[name] for name in ("jobTitle", "accountEnabled", "mail")
    )


def test_an_address_of_mail_is_a_proxy_address(graph: Graph) -> None:
    """
    The proxy address follows the mail address, also if it is removed.
    """
    path = f"users/{graph.add_user('una')['id']}"
    graph.call("PATCH", path, {"mail": "una@contoso.example"})
    assert ["SMTP:una@contoso.example"] == graph.get(f"{path}?$select=proxyAddresses").json()["proxyAddresses"]

    graph.call("PATCH", path, {"mail": None})
    assert [] == graph.get(f"{path}?$select=proxyAddresses").json()["proxyAddresses"]


def test_a_manager_is_replaced_and_may_leave(graph: Graph) -> None:
    """
    A user has one manager; a deleted one does not count.
    """
    first, second, worker = graph.add_user("first"), graph.add_user("second"), graph.add_user("worker")
    path = f"users/{worker['id']}/manager"
    for boss in (first, second):
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{boss['id']}"}
        assert 204 == graph.call("PUT", f"{path}/$ref", body).status_code

    assert second["id"] == graph.get(path).json()["id"]
    assert [] == graph.value(f"users/{first['id']}/directReports")

    graph.call("DELETE", f"users/{second['id']}")

    assert 404 == graph.get(path).status_code
    assert "manager" not in graph.get(f"users/{worker['id']}?$expand=manager").json()


def test_a_profile_of_a_password_without_one_changes_nothing(graph: Graph) -> None:
    """
    The old password stays valid.
    """
    path = f"users/{graph.add_user('una')['id']}"
    change = {"passwordProfile": {"forceChangePasswordNextSignIn": False}}

    assert 204 == graph.call("PATCH", path, change).status_code
    body = graph.caller.password(username="una@contoso.example", password="Correct-Horse-9", scope="openid").json()
    assert 50126 not in body.get("error_codes", [])


def test_questions_of_membership_need_their_parameter(graph: Graph) -> None:
    """
    A missing parameter is named.
    """
    path = f"users/{graph.add_user('una')['id']}"
    response = graph.call("POST", f"{path}/getMemberGroups", {})

    assert (400, "Request_BadRequest") == graph.refused(response)
    assert "securityEnabledOnly" in graph.text(response)


def test_owners_are_100_at_most(graph: Graph) -> None:
    """
    More than 100 owners give 403 Directory_QuotaExceeded with the recorded message (3.2).
    """
    path = f"groups/{graph.add_group('team')['id']}/owners"
    answers = [graph.link(path, graph.add_user(f"u{number}")["id"]) for number in range(101)]

    assert {204} == {one.status_code for one in answers[:-1]}
    assert (403, "Directory_QuotaExceeded") == graph.refused(answers[-1])
    assert graph.text(answers[-1]) == (
        "Unable to perform operation as '101' would exceed the maximum quota count '100' for forward-link owners."
    )


def test_a_person_who_registers_an_app_owns_it(graph: Graph) -> None:
    """
    A user who registers an app becomes its owner, as with groups.
    """
    graph.sign_in("Application.ReadWrite.All", "User.Read.All")
    app = graph.call("POST", "applications", {"displayName": "Mine"}).json()

    assert [graph.caller.tenant.users.normal.object_id] == [
        one["id"] for one in graph.value(f"applications/{app['id']}/owners")
    ]


@pytest.mark.parametrize("ends", ["2199-01-01T00:00:00", "2199-01-01T00:00:00Z", None])
def test_a_secret_ends_when_it_is_told(graph: Graph, ends: str | None) -> None:
    """
    A secret ends after two years by default, an invalid time is refused, and an app keeps its name.
    """
    app = graph.call("POST", "applications", {"displayName": "Nightly"}).json()
    path = f"applications/{app['id']}"
    made = graph.call("POST", f"{path}/addPassword", {"passwordCredential": {"endDateTime": ends}}).json()

    assert made["endDateTime"] == ("2199-01-01T00:00:00Z" if ends else made["endDateTime"])
    soon = {"passwordCredential": {"endDateTime": "soon"}}
    assert 400 == graph.call("POST", f"{path}/addPassword", soon).status_code
    assert 400 == graph.call("PATCH", path, {"displayName": ""}).status_code


def test_a_person_of_a_large_tenant_can_be_given_a_password(graph: Graph) -> None:
    """
    A user without a password can't sign in; changes of other properties do not affect the token service.
    """
    upn = graph.caller.tenant.users.passwordless.upn
    path = f"users/{upn}"
    assert 204 == graph.call("PATCH", path, {"jobTitle": "x"}).status_code
    profile = {"password": "Correct-Horse-9", "forceChangePasswordNextSignIn": False}
    assert 204 == graph.call("PATCH", path, {"passwordProfile": profile}).status_code

    body = graph.caller.password(username=upn, password="Correct-Horse-9", scope="openid").json()
    assert 50126 not in body.get("error_codes", [])
