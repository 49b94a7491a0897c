"""Properties of each kind of object (Graph's CSDL), their default selection and order, and their filters.

Filters follow "Advanced query capabilities on Microsoft Entra ID objects". Letters name operators: `e` is eq and in,
`s` startsWith, `g` ge and le, `n` eq null, `c` `/$count`; upper case requires an advanced query, as ne, not and
endsWith always do.
"""

from __future__ import annotations

import json
import struct
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a string."""
    return tuple(text.split())


STRING, BOOLEAN, DATE, LIST, OBJECT, NUMBER = "string", "boolean", "date", "list", "object", "number"

USER_FACE = names_in(
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
    "userPrincipalName id"
)
GROUP_FACE = names_in(
    "id deletedDateTime classification createdDateTime creationOptions description displayName expirationDateTime "
    "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState "
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses "
    "renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
    "uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors"
)
APPLICATION_FACE = names_in(
    "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime displayName "
    "description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported isFallbackPublicClient notes "
    "publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId uniqueName "
    "defaultRedirectUri certification optionalClaims addIns api appRoles info keyCredentials "
    "parentalControlSettings passwordCredentials publicClient requiredResourceAccess verifiedPublisher web spa"
)
PRINCIPAL_FACE = names_in(
    "id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId applicationTemplateId "
    "appOwnerOrganizationId appRoleAssignmentRequired createdDateTime description disabledByMicrosoftStatus "
    "displayName homepage loginUrl logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode "
    "preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType signInAudience tags "
    "tokenEncryptionKeyId samlSingleSignOnSettings verifiedPublisher addIns appRoles info keyCredentials "
    "oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions"
)
FACES = {
    "user": USER_FACE, "group": GROUP_FACE, "application": APPLICATION_FACE, "servicePrincipal": PRINCIPAL_FACE,
}  # fmt: skip
COLLECTIONS = {
    "users": "user", "groups": "group", "applications": "application", "servicePrincipals": "servicePrincipal",
}  # fmt: skip

COLLECTION_OF = {kind: name for name, kind in COLLECTIONS.items()}
# Names of the kinds in messages.
NAMES = {"user": "User", "group": "Group", "application": "Application", "servicePrincipal": "ServicePrincipal"}

_DATES = names_in(
    "createdDateTime deletedDateTime onPremisesLastSyncDateTime employeeHireDate employeeLeaveDateTime "
    "externalUserStateChangeDateTime lastPasswordChangeDateTime signInSessionsValidFromDateTime "
    "expirationDateTime renewedDateTime"
)
_BOOLEANS = names_in(
    "accountEnabled isResourceAccount onPremisesSyncEnabled showInAddressList isManagementRestricted mailEnabled "
    "securityEnabled isAssignableToRole hasMembersWithLicenseErrors isArchived appRoleAssignmentRequired "
    "isFallbackPublicClient isDeviceOnlyAuthSupported"
)
_LISTS = names_in(
    "businessPhones imAddresses otherMails proxyAddresses assignedLicenses assignedPlans provisionedPlans "
    "identities licenseAssignmentStates onPremisesProvisioningErrors serviceProvisioningErrors groupTypes "
    "creationOptions resourceBehaviorOptions resourceProvisioningOptions assignedLabels infoCatalogs "
    "identifierUris tags addIns appRoles keyCredentials passwordCredentials requiredResourceAccess "
    "alternativeNames notificationEmailAddresses replyUrls servicePrincipalNames oauth2PermissionScopes "
    "resourceSpecificApplicationPermissions"
)
_OBJECTS = names_in(
    "passwordProfile employeeOrgData onPremisesExtensionAttributes authorizationInfo signInActivity "
    "licenseProcessingState api web spa publicClient info optionalClaims verifiedPublisher "
    "parentalControlSettings certification samlSingleSignOnSettings"
)
_USER_STRINGS = names_in(
    "ageGroup city companyName consentProvidedForMinor country creationType department displayName employeeId "
    "employeeType externalUserState faxNumber givenName id jobTitle legalAgeGroupClassification mail mailNickname "
    "mobilePhone officeLocation onPremisesDistinguishedName onPremisesDomainName onPremisesImmutableId "
    "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesUserPrincipalName passwordPolicies "
    "postalCode preferredDataLocation preferredLanguage securityIdentifier state streetAddress surname "
    "usageLocation userPrincipalName userType"
)
_USER_OTHERS = names_in(
    "accountEnabled assignedLicenses assignedPlans authorizationInfo businessPhones createdDateTime "
    "deletedDateTime employeeHireDate employeeLeaveDateTime employeeOrgData externalUserStateChangeDateTime "
    "identities imAddresses isManagementRestricted isResourceAccount lastPasswordChangeDateTime "
    "licenseAssignmentStates onPremisesExtensionAttributes onPremisesLastSyncDateTime "
    "onPremisesProvisioningErrors onPremisesSyncEnabled otherMails passwordProfile provisionedPlans "
    "proxyAddresses serviceProvisioningErrors showInAddressList signInActivity signInSessionsValidFromDateTime"
)
_GROUP_OTHERS = names_in(
    "assignedLabels assignedLicenses hasMembersWithLicenseErrors infoCatalogs isArchived isManagementRestricted "
    "licenseProcessingState organizationId"
)


def _typed(name: str) -> str:
    for names, kind in ((_DATES, DATE), (_BOOLEANS, BOOLEAN), (_LISTS, LIST), (_OBJECTS, OBJECT)):
        if name in names:
            return kind
    return STRING


PROPERTIES: dict[str, dict[str, str]] = {
    "user": {name: _typed(name) for name in (*_USER_STRINGS, *_USER_OTHERS)},
    "group": {name: _typed(name) for name in (*GROUP_FACE, *_GROUP_OTHERS)},
    "application": {name: _typed(name) for name in APPLICATION_FACE},
    "servicePrincipal": {name: _typed(name) for name in PRINCIPAL_FACE},
}
# Set by the service only.
READ_ONLY = frozenset(
    {"id", "deletedDateTime", "createdDateTime", "securityIdentifier", "renewedDateTime", "assignedLicenses",
     "assignedPlans", "provisionedPlans", "licenseAssignmentStates", "signInActivity", "creationType",
     "externalUserState", "appId",
     "proxyAddresses", "creationOptions", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime"}
)  # fmt: skip
# Not available for a whole collection (501).
NOT_IN_LISTS = frozenset(
    {"aboutme", "birthday", "hiredate", "interests", "mysite", "pastprojects", "preferredname", "responsibilities",
     "schools", "skills", "mailboxsettings"}
)  # fmt: skip

_USER_FILTERS = {
    "esN": "city country department displayName givenName jobTitle mail mailNickname surname",
    "es": "usageLocation userPrincipalName",
    "eN": "employeeId state onPremisesSecurityIdentifier onPremisesSyncEnabled userType",
    "e": "accountEnabled ageGroup consentProvidedForMinor creationType externalUserState isResourceAccount id "
    "onPremisesImmutableId identities",
    "egN": "createdDateTime",
    "eg": "onPremisesLastSyncDateTime",
    "esc": "imAddresses otherMails proxyAddresses infoCatalogs",
    "ec": "assignedLicenses onPremisesProvisioningErrors",
    "ESN": "companyName faxNumber mobilePhone officeLocation postalCode preferredLanguage streetAddress",
    "EN": "employeeType employeeOrgData onPremisesExtensionAttributes showInAddressList passwordProfile",
    "EGN": "employeeHireDate",
    "ES": "onPremisesSamAccountName businessPhones",
    "E": "assignedPlans provisionedPlans",
    "N": "passwordPolicies",
}
_GROUP_FILTERS = {
    "es": "classification displayName mail mailNickname membershipRule uniqueName",
    "esc": "proxyAddresses",
    "ec": "assignedLicenses",
    "en": "hasMembersWithLicenseErrors",
    "e": "id isAssignableToRole mailEnabled securityEnabled membershipRuleProcessingState visibility "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled resourceBehaviorOptions resourceProvisioningOptions groupTypes",
    "eg": "onPremisesLastSyncDateTime renewedDateTime",
    "ESN": "description onPremisesSamAccountName preferredLanguage",
    "EG": "expirationDateTime createdDateTime",
}
_APPLICATION_FILTERS = {
    "e": "id appId signInAudience disabledByMicrosoftStatus",
    "es": "displayName publisherDomain uniqueName identifierUris tags",
    "eg": "createdDateTime",
    "ESN": "description notes serviceManagementReference",
}
_PRINCIPAL_FILTERS = {
    "e": "id accountEnabled appId servicePrincipalType applicationTemplateId preferredSingleSignOnMode",
    "es": "displayName servicePrincipalNames alternativeNames tags",
    "EN": "appOwnerOrganizationId appRoleAssignmentRequired homepage notes description",
}


def _expanded(table: Mapping[str, str]) -> dict[str, str]:
    return {name: letters for letters, names in table.items() for name in names.split()}


FILTERS = {
    "user": _expanded(_USER_FILTERS), "group": _expanded(_GROUP_FILTERS),
    "application": _expanded(_APPLICATION_FILTERS), "servicePrincipal": _expanded(_PRINCIPAL_FILTERS),
}  # fmt: skip
ENDS_WITH = frozenset({"mail", "otherMails", "userPrincipalName", "proxyAddresses"})
SORTED = {"user": {"displayName", "userPrincipalName"}, "group": {"displayName"}}
SORTED_ADVANCED = {
    "user": {"createdDateTime", "onPremisesLastSyncDateTime"},
    "group": {"createdDateTime", "onPremisesLastSyncDateTime"},
    "application": {"displayName", "createdDateTime"}, "servicePrincipal": {"displayName", "createdDateTime"},
}  # fmt: skip
# Searched by words; all others by their beginning.
SEARCHED_BY_WORD = frozenset({"displayName", "description"})
SEARCHED = {
    "user": {"displayName", "mail", "mailNickname", "userPrincipalName", "givenName", "surname", "otherMails"},
    "group": {"displayName", "description", "mail", "mailNickname"},
    "application": {"displayName"},
    "servicePrincipal": {"displayName"},
}


def property_of(kind: str, name: str) -> str | None:
    """Return a property's name as the schema spells it, from any case; None if it does not exist."""
    return _BY_CASE[kind].get(name.lower())


_BY_CASE = {kind: {name.lower(): name for name in names} for kind, names in PROPERTIES.items()}


def value_of(kind: str, doc: Mapping[str, object], name: str) -> object:
    """Return a property of a document; lists are never null."""
    value = doc.get(name)
    return [] if value is None and PROPERTIES[kind].get(name) == LIST else value


def face(kind: str, doc: Mapping[str, object]) -> str:
    """Return the JSON text of the default properties."""
    return json.dumps(
        {name: value_of(kind, doc, name) for name in FACES[kind]}, separators=(",", ":"), ensure_ascii=False
    )


def security_identifier(object_id: str) -> str:
    """Return the SID of an object: the bytes of its id as four little-endian numbers."""
    parts = struct.unpack("<4I", uuid.UUID(object_id).bytes_le)
    return "S-1-12-1-" + "-".join(str(part) for part in parts)
