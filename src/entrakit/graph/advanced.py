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

# Collections of directory objects, by the last segments of their path.
_OBJECTS = frozenset(
    [
        "users",
        "groups",
        "devices",
        "contacts",
        "applications",
        "serviceprincipals",
        "administrativeunits",
        "directoryobjects",
        "directoryroles",
        "members",
        "transitivemembers",
        "owners",
        "memberof",
        "transitivememberof",
        "registeredowners",
        "registeredusers",
        "ownedobjects",
        "owneddevices",
        "registereddevices",
        "createdobjects",
        "directreports",
    ]
)
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
        return "/$count" if len(segments) > 1 and _collection(segments[:-1]) else ""
    if segments[-1].startswith("delta") or not _collection(segments):
        return ""
    if parameters.get("$search"):
        return "$search"
    if parameters.get("$count", "").lower() == "true":
        return "$count"
    kind = _collection(segments)
    expression = parameters.get("$filter", "")
    sorting = parameters.get("$orderby", "")
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
    if "/$count" in bare.lower():
        return "$count in a filter"
    properties = {name.lower() for pattern in (_PROPERTY, _ARGUMENT, _LAMBDA) for name in pattern.findall(bare)}
    if _NULL.search(bare) and not properties <= set(_NULLABLE):
        return "eq null"
    only = sorted(properties & set(_ONLY_ADVANCED.get(kind, "").split()))
    return f"$filter by {', '.join(only)}" if only else ""


def _collection(segments: list[str]) -> str:
    """Return the name of the collection of directory objects that a path names; empty for another address."""
    names = [one for one in segments if not one.startswith("microsoft.graph.")]
    return names[-1] if names and names[-1] in _OBJECTS else ""
