"""The organization: the tenant as Graph shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, not_found
from entrakit_emulator.graph.schema import names_in
from entrakit_emulator.graph.timestamps import SEEDED

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]


ORGANIZATION = names_in(
    "id deletedDateTime businessPhones city country countryLetterCode createdDateTime displayName "
    "marketingNotificationEmails onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode "
    "preferredLanguage securityComplianceNotificationMails securityComplianceNotificationPhones state street "
    "technicalNotificationMails tenantType assignedPlans privacyProfile provisionedPlans verifiedDomains"
)
_LISTS = frozenset(
    {"businessPhones", "marketingNotificationEmails", "securityComplianceNotificationMails", "assignedPlans",
     "securityComplianceNotificationPhones", "technicalNotificationMails", "provisionedPlans", "verifiedDomains"}
)  # fmt: skip


def organizations(call: Call) -> Reply:
    """List the organization, a list of one."""
    context = f"{call.root}/$metadata#organization"
    return Reply(200, {"@odata.context": context, "value": [selected_of(call, "organization", _organization(call))]})


def organization(call: Call, key: str) -> Reply:
    """Read the organization."""
    if key.lower() != call.tenant:
        raise not_found(key)
    context = f"{call.root}/$metadata#organization/$entity"
    return Reply(200, {"@odata.context": context, **selected_of(call, "organization", _organization(call))})


def selected_of(call: Call, kind: str, body: JSON) -> JSON:
    """Return the selected members of an object; all without `$select`.

    Raises:
        GraphError: A member does not exist.
    """
    text = call.options.get("$select")
    if text is None:
        return body
    known = {name.lower(): name for name in body}
    names = [name.strip() for name in text.split(",")]
    unknown = next((name for name in names if name.lower() not in known), None)
    if unknown is not None:
        raise GraphError(
            400, "BadRequest", f"Could not find a property named '{unknown}' on type 'microsoft.graph.{kind}'."
        )
    return {known[name.lower()]: body[known[name.lower()]] for name in names}


def _organization(call: Call) -> JSON:
    directory = call.exchange.world.tenants[call.tenant]
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": domain.endswith(".onmicrosoft.com"),
            "name": domain,
            "type": "Managed",
        }
        for index, domain in enumerate(directory.domains)
    ]
    known: JSON = {
        "id": directory.tenant_id, "displayName": directory.name, "verifiedDomains": domains, "tenantType": "AAD",
        "createdDateTime": SEEDED, "countryLetterCode": "DK",
    }  # fmt: skip
    return {name: known.get(name, [] if name in _LISTS else None) for name in ORGANIZATION}
