"""Advanced queries on directory objects: the queries that require `ConsistencyLevel: eventual` and `$count=true`.

Microsoft Graph, "Advanced query capabilities on Microsoft Entra ID objects". They use a separate index that lags behind
the directory. So the header is sent only if the service would refuse or silently ignore the query without it. The
tables list the properties that require it; all others are left to the service.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "consistencylevel"

# Collections of directory objects: sets, which begin a path, and relations of an object.
# fmt: off
_SETS = frozenset((
    "users", "groups", "devices", "contacts", "applications", "serviceprincipals", "administrativeunits",
    "directoryobjects", "directoryroles",
))
_RELATIONS = frozenset((
    "members", "transitivemembers", "owners", "memberof", "transitivememberof", "registeredowners", "registeredusers",
    "ownedobjects", "owneddevices", "registereddevices", "createdobjects", "directreports",
))
# Collections whose pages can have the largest size.
_PAGED = frozenset((
    "users", "groups", "devices", "contacts", "applications", "serviceprincipals", "members", "transitivemembers",
    "owners", "memberof", "transitivememberof",
))
# fmt: on
LARGEST_PAGE = 999
# The sets by the type of a cast, which names the set in the address of deleted objects.
_CASTS = {
    "user": "users",
    "group": "groups",
    "device": "devices",
    "orgcontact": "contacts",
    "application": "applications",
    "serviceprincipal": "serviceprincipals",
    "administrativeunit": "administrativeunits",
}
# Properties that only an advanced query can filter by.
# fmt: off
_ONLY_ADVANCED = {
    "users": "companyname faxnumber mobilephone officelocation postalcode preferredlanguage streetaddress "
             "employeetype employeehiredate employeeorgdata onpremisesextensionattributes onpremisessamaccountname "
             "passwordprofile showinaddresslist businessphones assignedplans provisionedplans certificateuserids "
             "passwordpolicies",
    "groups": "description expirationdatetime onpremisessamaccountname preferredlanguage createddatetime",
    "devices": "registrationdatetime extensionattributes alternativesecurityids",
    "contacts": "companyname",
    "applications": "description notes web spa publicclient requiredresourceaccess federatedidentitycredentials "
                    "servicemanagementreference",
    "serviceprincipals": "appownerorganizationid approleassignmentrequired homepage notes description",
    "administrativeunits": "description",
}
# fmt: on
# Properties that any query can sort by.
_SORTED = {"users": {"displayname", "userprincipalname"}, "groups": {"displayname"}}

_TEXT = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_NULL = re.compile(r"\beq\s+null\b", re.IGNORECASE)
_PROPERTY = re.compile(r"([A-Za-z_]\w*)(?=(?:/[\w$/]+)?\s+(?:eq|ne|ge|le|gt|lt|in|has)\b)", re.ASCII | re.IGNORECASE)
_ARGUMENT = re.compile(r"\b(?:startswith|endswith|contains)\(\s*([A-Za-z_]\w*)", re.ASCII | re.IGNORECASE)
_LAMBDA = re.compile(r"([A-Za-z_]\w*)/(?:any|all)\(", re.ASCII | re.IGNORECASE)
# `hasMembersWithLicenseErrors` may be compared with null by default.
_NULLABLE = ("hasmemberswithlicenseerrors",)


def reason(path: str, parameters: Mapping[str, str]) -> str:
    """Return the reason why a request requires an advanced query, as a phrase; empty if it does not.

    Args:
        path: Path below the version, such as `/users` or `/groups/ID/members/$count`.
        parameters: Query parameters, with their `$`.
    """
    segments = [one.lower() for one in path.partition("?")[0].strip("/").split("/")]
    if segments[-1] == "$count":
        return "/$count" if _collection(segments[:-1]) else ""
    if segments[-1].startswith("delta"):
        return ""
    if "$levels" in parameters.get("$expand", "").lower() and segments[0] in ("users", "me"):
        return "$levels"
    kind = _collection(segments)
    if not kind:
        return ""
    if parameters.get("$search"):
        return "$search"
    if parameters.get("$count", "").lower() == "true":
        return "$count"
    expression = parameters.get("$filter", "")
    sorting = parameters.get("$orderby", "")
    if kind.startswith("transitive") and _cast(segments[-1]) and (expression or parameters.get("$select")):
        return "a cast of a transitive list"
    if expression and sorting:
        return "$filter with $orderby"
    names = {part.split()[0].lower() for part in sorting.split(",") if part.split()}
    if names - _SORTED.get(kind, set()):
        return "$orderby by " + ", ".join(sorted(names - _SORTED.get(kind, set())))
    return _of_filter(kind, expression)


def needs_count(path: str, parameters: Mapping[str, str]) -> bool:
    """Return whether an advanced query also requires `$count=true`: all do except `/$count` and `$search`."""
    return not path.partition("?")[0].rstrip("/").lower().endswith("/$count") and not parameters.get("$search")


def largest_page(path: str, parameters: Mapping[str, str]) -> int:
    """Return the largest size of a page that a path accepts; 0 if it is not known, or if the query gives a size.

    Args:
        path: Path below the version, such as `/users` or `/groups/ID/members`.
        parameters: Query parameters, with their `$`, without those in the path.
    """
    from urllib.parse import parse_qsl

    query = dict(parse_qsl(path.partition("?")[2], keep_blank_values=True)) | dict(parameters)
    segments = [one.lower() for one in path.partition("?")[0].strip("/").split("/")]
    # Sign-in activity is limited to smaller pages, and directory roles have no pages.
    if "$top" in query or "signinactivity" in str(query).lower() or segments[0] == "directoryroles":
        return 0
    return LARGEST_PAGE if _collection(segments) in _PAGED else 0


def _of_filter(kind: str, expression: str) -> str:
    bare = _TEXT.sub("''", expression)
    words = {word.lower() for word in _WORD.findall(bare)}
    for operator in ("ne", "not", "endswith", "all"):
        if operator in words and (operator != "all" or "/all(" in bare.lower()):
            return operator
    if kind == "directoryroles" and "startswith" in words:
        return "startswith"
    if "/$count" in bare.lower():
        return "$count in a filter"
    properties = {name.lower() for pattern in (_PROPERTY, _ARGUMENT, _LAMBDA) for name in pattern.findall(bare)}
    if _NULL.search(bare) and not properties <= set(_NULLABLE):
        return "eq null"
    only = sorted(properties & set(_ONLY_ADVANCED.get(kind, "").split()))
    return f"$filter by {', '.join(only)}" if only else ""


def _collection(segments: list[str]) -> str:
    """Return the collection of directory objects at a path; empty for any other path.

    The beginning of the path decides, because Outlook has contacts and Teams has members, too.
    """
    names = [one for one in segments if not _cast(one)]
    if names[:1] == ["directory"]:
        names = names[1:]
    if names == ["deleteditems"]:
        return _CASTS.get(_cast(segments[-1]), "")
    if len(names) == 1:
        return names[0] if names[0] in _SETS else ""
    root, key, _ = names[0].partition("(")
    beginning = names[:1] if key or root == "me" else names[:2]
    is_relation = names[len(beginning) :] == names[-1:] and names[-1] in _RELATIONS
    return names[-1] if is_relation and (root == "me" or root in _SETS) else ""


def _cast(segment: str) -> str:
    """Return the type in a cast segment of a path; empty for any other segment."""
    for beginning in ("microsoft.graph.", "graph."):
        if segment.startswith(beginning):
            return segment.removeprefix(beginning)
    return ""
