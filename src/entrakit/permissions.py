"""Permissions, resources and sign-in methods in words."""

from __future__ import annotations

# Subject of a permission → words; `describe` puts verb and reach before it.
_SUBJECTS = {
    "AccessReview": "access reviews",
    "AdministrativeUnit": "administrative units",
    "Agreement": "terms of use",
    "Application": "app registrations and enterprise applications",
    "AppRoleAssignment": "permissions granted to apps",
    "AuditLog": "the audit and sign-in logs",
    "BitlockerKey": "BitLocker keys",
    "Calendars": "calendars",
    "Channel": "channels of teams",
    "ChannelMessage": "messages in channels",
    "Chat": "chats",
    "Contacts": "contacts",
    "CrossTenantInformation": "basic facts of other tenants",
    "DelegatedPermissionGrant": "permissions granted on behalf of people",
    "Device": "devices",
    "DeviceManagementApps": "apps managed by Intune",
    "DeviceManagementConfiguration": "configuration managed by Intune",
    "DeviceManagementManagedDevices": "devices managed by Intune",
    "Directory": "the directory: users, groups, apps and more",
    "Domain": "domains",
    "EntitlementManagement": "access packages",
    "Files": "files",
    "Group": "groups and their content",
    "GroupMember": "members of groups",
    "IdentityProvider": "identity providers",
    "IdentityRiskEvent": "risk events of identities",
    "IdentityRiskyUser": "users at risk",
    "LicenseAssignment": "licences assigned to users and groups",
    "Mail": "mail",
    "MailboxSettings": "settings of mailboxes",
    "Notes": "OneNote notebooks",
    "OnPremisesPublishingProfiles": "published on-premises resources",
    "Organization": "facts of the organization",
    "OrgContact": "organizational contacts",
    "People": "lists of relevant people",
    "Place": "places and rooms",
    "Policy": "policies",
    "Presence": "presence",
    "PrivilegedAccess": "privileged access",
    "Reports": "usage reports",
    "RoleManagement": "directory roles",
    "SecurityEvents": "security events",
    "SecurityIncident": "security incidents",
    "ServiceHealth": "the health of services",
    "Sites": "SharePoint sites",
    "Subscription": "change subscriptions",
    "Tasks": "tasks",
    "Team": "teams",
    "TeamMember": "members of teams",
    "TeamSettings": "settings of teams",
    "TermStore": "term stores",
    "User": "profiles of users",
    "UserAuthenticationMethod": "sign-in methods of users",
}

_WHOLE = {
    "email": "see your email address",
    "offline_access": "keep access when you are away",
    "openid": "sign you in",
    "profile": "see your basic profile",
    "User.Read": "sign you in and read your profile",
    "User.ReadBasic.All": "read the basic profiles of all users",
    "User.Invite.All": "invite guests",
    "User.EnableDisableAccount.All": "enable and disable accounts",
    "Mail.Send": "send mail",
    "Directory.AccessAsUser.All": "use the directory as you may",
    "GroupMember.ReadWrite.All": "read and change members of all groups",
    "Group.Create": "create groups",
    "AppRoleAssignment.ReadWrite.All": "grant and revoke permissions of apps",
    "RoleManagement.ReadWrite.Directory": "read and change directory roles and who has them",
    "user_impersonation": "use the service as you may",
    ".default": "everything that was granted",
    "full_access_as_app": "use all mailboxes",
}

_VERBS = {
    "Read": "read",
    "ReadBasic": "read basic facts of",
    "ReadWrite": "read and change",
    "Write": "change",
    "Create": "create",
    "Delete": "delete",
    "Send": "send",
    "Manage": "manage",
    "FullControl": "fully control",
}

_REACH = {"All": "all ", "Shared": "shared ", "Selected": "selected ", "OwnedBy": "own ", "Basic": "basic facts of "}

RESOURCES = {
    "https://graph.microsoft.com": "Microsoft Graph",
    "00000003-0000-0000-c000-000000000000": "Microsoft Graph",
    "https://graph.microsoft.us": "Microsoft Graph (US government)",
    "https://dod-graph.microsoft.us": "Microsoft Graph (US department of defense)",
    "https://microsoftgraph.chinacloudapi.cn": "Microsoft Graph (China)",
    "https://management.azure.com": "Azure Resource Manager",
    "https://management.core.windows.net": "Azure Resource Manager",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": "Azure Resource Manager",
    "https://vault.azure.net": "Azure Key Vault",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "Azure Key Vault",
    "https://storage.azure.com": "Azure Storage",
    "https://database.windows.net": "Azure SQL",
    "https://api.securitycenter.microsoft.com": "Defender for Endpoint",
    "https://api.security.microsoft.com": "Defender XDR",
    "https://outlook.office365.com": "Exchange Online",
    "https://api.loganalytics.io": "Log Analytics",
    "499b84ac-1321-427f-aa17-267ca6975798": "Azure DevOps",
}

METHODS = {
    "fido": "security key",
    "hwk": "key in hardware",
    "mfa": "more than one factor",
    "ngcmfa": "more than one factor, renewed",
    "otp": "one-time code",
    "pwd": "password",
    "rsa": "certificate or Windows Hello",
    "swk": "key in software",
    "wia": "Windows integrated",
}

# Broader permissions that cover the same calls; they never count as the one that was asked for.
BROADER = {
    "user.read": ("User.ReadWrite", "User.Read.All", "User.ReadWrite.All"),
    "user.read.all": ("User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "group.read.all": ("Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "groupmember.read.all": ("GroupMember.ReadWrite.All", "Group.Read.All", "Directory.Read.All"),
    "device.read.all": ("Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "application.read.all": ("Application.ReadWrite.All", "Directory.Read.All"),
    "organization.read.all": ("Organization.ReadWrite.All", "Directory.Read.All"),
}


def describe(permission: str) -> str:
    """Return what a permission allows, in words; empty where it is not known.

    Args:
        permission: A scope or role without its resource, such as `User.Read.All`.
    """
    if permission in _WHOLE:
        return _WHOLE[permission]
    subject, _, rest = permission.partition(".")
    verb, _, reach = rest.partition(".")
    if subject not in _SUBJECTS or verb not in _VERBS:
        return ""
    return f"{_VERBS[verb]} {_REACH.get(reach, '')}{_SUBJECTS[subject]}"
