"""Advanced queries on directory objects: which need `ConsistencyLevel: eventual` and `$count=true`, and why.

Microsoft Graph, "Advanced query capabilities on Microsoft Entra ID objects". They run on a separate index that lags
behind, so the header is sent exactly where the service refuses, or silently ignores, the query without it. The tables
hold what works only so; a property that is in none of them is left to the service.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "consistencylevel"

# Collections of directory objects: what stands at the beginning of a path, and what an object leads to.
# fmt: off
_SETS = frozenset((
    "users", "groups", "devices", "contacts", "applications", "serviceprincipals", "administrativeunits",
    "directoryobjects", "directoryroles",
))
_RELATIONS = frozenset((
    "members", "transitivemembers", "owners", "memberof", "transitivememberof", "registeredowners", "registeredusers",
    "ownedobjects", "owneddevices", "registereddevices", "createdobjects", "directreports",
))
# fmt: on
# Their names in a cast, which is all that says what is listed of deleted objects.
_CASTS = {
    "user": "users",
    "group": "groups",
    "device": "devices",
    "orgcontact": "contacts",
    "application": "applications",
    "serviceprincipal": "serviceprincipals",
    "administrativeunit": "administrativeunits",
}
# Properties that can be filtered by in an advanced query only.
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
# Properties that can be sorted by without an advanced query.
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
    """Return why a request needs an advanced query, in a few words; empty if it does not.

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


def wants_count(path: str, parameters: Mapping[str, str]) -> bool:
    """Return whether an advanced query also needs `$count=true`: all but `/$count` and `$search`, which have theirs."""
    return not path.partition("?")[0].rstrip("/").lower().endswith("/$count") and not parameters.get("$search")


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
    """Return the name of the collection of directory objects that a path names; empty for another address.

    Outlook has contacts and Teams has members, too: what counts is where a path begins.
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
    """Return the type that a segment of a path casts to; empty for another segment."""
    for beginning in ("microsoft.graph.", "graph."):
        if segment.startswith(beginning):
            return segment.removeprefix(beginning)
    return ""
