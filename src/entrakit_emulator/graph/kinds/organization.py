"""The organization: the tenant as Graph shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.kind import Kind
from entrakit_emulator.graph.permissions import DIRECTORY_READ
from entrakit_emulator.graph.schema import names_in, typed
from entrakit_emulator.graph.timestamps import SEEDED

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]


# Objects that a tenant with a verified domain may have.
QUOTA = 300_000


def _documents(call: Call) -> list[JSON]:
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
    return [{
        "id": directory.tenant_id, "displayName": directory.name, "verifiedDomains": domains, "tenantType": "AAD",
        "createdDateTime": SEEDED, "countryLetterCode": "DK",
        "directorySizeQuota": {"used": call.store.count("tenant=?", (call.tenant,)), "total": QUOTA},
    }]  # fmt: skip


KIND = Kind(
    name="organization",
    collection="organization",
    properties=typed(
        "city country countryLetterCode displayName id partnerTenantType postalCode preferredLanguage state street "
        "tenantType",
        booleans="isMultipleDataLocationsForServicesEnabled onPremisesSyncEnabled",
        dates="createdDateTime deletedDateTime onPremisesLastSyncDateTime",
        lists="assignedPlans businessPhones marketingNotificationEmails provisionedPlans "
        "securityComplianceNotificationMails securityComplianceNotificationPhones technicalNotificationMails "
        "verifiedDomains",
        objects="directorySizeQuota privacyProfile",
    ),
    default=names_in(
        "id deletedDateTime businessPhones city country countryLetterCode createdDateTime displayName "
        "isMultipleDataLocationsForServicesEnabled "
        "marketingNotificationEmails onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode "
        "preferredLanguage securityComplianceNotificationMails securityComplianceNotificationPhones state street "
        "technicalNotificationMails tenantType directorySizeQuota privacyProfile assignedPlans provisionedPlans "
        "verifiedDomains"
    ),
    absent=frozenset(
        names_in(
            "defaultUsageLocation mobileDeviceManagementAuthority branding certificateBasedAuthConfiguration extensions"
        )
    ),
    read=f"User.Read Organization.Read.All Organization.ReadWrite.All {DIRECTORY_READ}",
    documents=_documents,
)
