"""Advanced queries: exactly the queries that Microsoft Graph does not accept in another form."""

from __future__ import annotations

import pytest

from entrakit.services import advanced_query
from entrakit.services.advanced_query import largest_page


@pytest.mark.parametrize(
    ("path", "parameters", "why"),
    [
        ("/users/$count", {}, "/$count"),
        ("/groups/ID/members/$count", {}, "/$count"),
        ("/users", {"$count": "true"}, "$count"),
        ("/users", {"$search": '"displayName:a"'}, "$search"),
        ("/users", {"$filter": "displayName ne 'a'"}, "ne"),
        ("/users", {"$filter": "not startsWith(displayName,'a')"}, "not"),
        ("/users", {"$filter": "endsWith(mail,'a')"}, "endswith"),
        ("/users", {"$filter": "mail eq null"}, "eq null"),
        ("/users", {"$filter": "assignedLicenses/$count eq 0"}, "$count in a filter"),
        ("/users", {"$filter": "companyName eq 'a'"}, "$filter by companyname"),
        ("/users", {"$filter": "startsWith(companyName,'a')"}, "$filter by companyname"),
        ("/users", {"$filter": "employeeOrgData/division eq 'a'"}, "$filter by employeeorgdata"),
        ("/users", {"$filter": "businessPhones/any(p:p eq '1')"}, "$filter by businessphones"),
        ("/users", {"$filter": "displayName eq 'a'", "$orderby": "displayName"}, "$filter with $orderby"),
        ("/users", {"$orderby": "createdDateTime desc"}, "$orderby by createddatetime"),
        ("/groups", {"$orderby": "mailNickname"}, "$orderby by mailnickname"),
        ("/groups", {"$filter": "createdDateTime ge 2020-01-01T00:00:00Z"}, "$filter by createddatetime"),
        ("/groups/ID/transitiveMembers/microsoft.graph.user", {"$count": "true"}, "$count"),
        ("/me/memberOf", {"$search": '"displayName:a"'}, "$search"),
        ("/applications(appId='x')/owners", {"$count": "true"}, "$count"),
        ("/users('ID')/memberOf/graph.group/$count", {}, "/$count"),
        ("/directory/administrativeUnits/ID/members", {"$count": "true"}, "$count"),
        ("/directory/deletedItems/microsoft.graph.user", {"$count": "true"}, "$count"),
        ("/directory/deletedItems/microsoft.graph.group/$count", {}, "/$count"),
        ("/directory/deletedItems/graph.user", {"$orderby": "deletedDateTime"}, "$orderby by deleteddatetime"),
        ("/groups/ID/transitiveMembers/microsoft.graph.user", {"$select": "id"}, "a cast of a transitive list"),
        ("/users", {"$expand": "manager($levels=max;$select=id)", "$select": "id"}, "$levels"),
        ("/me", {"$expand": "manager($levels=2)", "$select": "id"}, "$levels"),
        ("/directoryRoles", {"$filter": "startsWith(displayName,'A')"}, "startswith"),
    ],
)  # fmt: skip
def test_what_is_advanced(path: str, parameters: dict[str, str], why: str) -> None:
    """
    A query that the service would refuse or silently ignore without the header gets the header.
    """
    assert why == advanced_query.reason(path, parameters)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/users", {}),
        ("/users", {"$filter": "displayName eq 'a'"}),
        ("/users", {"$filter": "displayName eq 'what is ne or not or all(x)'"}),
        ("/users", {"$filter": "displayName eq 'it''s null, eq null'"}),
        ("/users", {"$filter": "startsWith(userPrincipalName,'a')"}),
        ("/users", {"$filter": "createdDateTime ge 2020-01-01T00:00:00Z"}),
        ("/users", {"$filter": "userType eq 'Guest' and accountEnabled eq true"}),
        ("/users", {"$filter": "id in ('a','b')"}),
        ("/users", {"$filter": "proxyAddresses/any(p:startsWith(p,'SMTP:'))"}),
        ("/users", {"$orderby": "displayName desc,userPrincipalName"}),
        ("/users", {"$count": "false", "$top": "5", "$select": "id"}),
        ("/groups", {"$filter": "groupTypes/any(c:c eq 'Unified')"}),
        ("/groups", {"$filter": "hasMembersWithLicenseErrors eq null"}),
        ("/users/ID", {"$select": "companyName"}),
        ("/users/delta", {"$select": "companyName"}),
        ("/me/messages", {"$search": '"a"', "$count": "true"}),
        ("/me/messages/$count", {}),
        ("/me/contacts", {"$orderby": "displayName", "$count": "true"}),
        ("/users/ID/contacts/$count", {}),
        ("/teams/ID/members", {"$filter": "displayName ne 'a'"}),
        ("/chats/ID/members/$count", {}),
        ("/groups/ID/team/members", {"$count": "true"}),
        ("/groups/ID/transitiveMembers/microsoft.graph.user", {}),
        ("/groups/ID/members/microsoft.graph.user", {"$select": "id"}),
        ("/users/ID", {"$expand": "manager($select=id)"}),
        ("/directoryRoles", {"$filter": "displayName eq 'A'"}),
        ("/subscribedSkus", {"$count": "true"}),
    ],
)
def test_what_is_not(path: str, parameters: dict[str, str]) -> None:
    """
    A query that works without the header is sent without it, because the index of advanced queries lags behind.
    """
    assert advanced_query.reason(path, parameters) == ""


@pytest.mark.parametrize(
    ("path", "parameters", "size"),
    [
        ("/users", {}, 999),
        ("/users", {"$select": "id", "$filter": "accountEnabled eq true"}, 999),
        ("/groups/ID/members", {}, 999),
        ("/groups/ID/transitiveMembers/microsoft.graph.user", {}, 999),
        ("/me/memberOf", {}, 999),
        ("/servicePrincipals/ID/owners", {}, 999),
        ("/users?$top=5", {}, 0),
        ("/users", {"$top": "5"}, 0),
        ("/users", {"$select": "id,signInActivity"}, 0),
        ("/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z", {}, 0),
        ("/users/delta", {}, 0),
        ("/users/ID/messages", {}, 0),
        ("/directoryRoles", {}, 0),
        ("/directoryRoles/ID/members", {}, 0),
        ("/subscribedSkus", {}, 0),
        ("/auditLogs/signIns", {}, 0),
        ("/teams/ID/members", {}, 0),
    ],
)
def test_the_largest_page(path: str, parameters: dict[str, str], size: int) -> None:
    """
    Only collections whose pages can be larger than the usual ones have a largest size, and a caller's size stays.
    """
    assert size == largest_page(path, parameters)
