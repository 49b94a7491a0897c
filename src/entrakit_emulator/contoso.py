"""The seeds of every tenant.

All ids, names, passwords and the client secret are fixed and documented in `docs/reference/emulator.md`; keys and
certificates are created at each start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.state.identities import (
    GRAPH_ID,
    TOKEN_EXCHANGE_ID,
    TOKEN_EXCHANGE_URIS,
    App,
    Directory,
    Permission,
    Redirect,
    Secret,
    User,
    read_certificate,
)
from entrakit_emulator.state.key_vault import PERMISSIONS, KeyVault, KeyVaultSecret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator.state.key_vault import KeyVaultCertificate
    from entrakit_emulator.world import World

TENANT_ID = "32ad8c5a-6125-471f-9ee1-afce592af5d9"
DOMAIN = "contoso.example"
USGOV_TENANT_ID = "9546cb78-3fe3-49d5-8f17-5d5fdea1a175"

PUBLIC_CLIENT = "5df655db-fb5e-4dcd-a225-31028301360e"
CONFIDENTIAL_CLIENT = "52aaa676-1504-4f30-84d9-d906f960bdc4"
SINGLE_TENANT_CLIENT = "0311e99c-2ec3-4614-8d7c-6321833c7a6e"
DISABLED_CLIENT = "4672259f-08a8-41d0-8efc-a11867d743b0"
SPA_CLIENT = "9d02afc3-62ff-4d77-b92c-973f37573a25"
ASSIGNED_CLIENT = "c3e66176-09f5-4bfa-b91b-508b6cd98062"
FOREIGN_CLIENT = "250c24b1-4bc4-4ca0-b2f1-00f2606d51f9"
API_CLIENT = "b23b19f7-eb65-48d5-96e8-ab46c1d85d64"
API_URI = f"api://{API_CLIENT}"

CLIENT_SECRET = "emu8Q~documented-secret-of-the-emulator"
CLIENT_SECRET_ID = "421f70bb-7ecf-45a3-867b-d6bf615f8215"
API_SECRET = "emu8Q~documented-secret-of-the-orders-api"
EXPIRED_SECRET = "emu8Q~documented-secret-that-expired"
MFA_CODE = "246810"

# A key vault, its objects, and the app with access to it.
KEY_VAULT = "contoso"
KEY_VAULT_CERTIFICATE = "nightly"
KEY_VAULT_HSM_CERTIFICATE = "nightly-hsm"
KEY_VAULT_SECRET = "nightly-secret"
KEY_VAULT_CLIENT = "7e0dfa3a-9a57-4f0e-8a5b-2f6f7f2c1d43"
KEY_VAULT_CLIENT_SECRET = "emu8Q~documented-secret-for-the-vault"

# An Azure subscription with a virtual machine and its identity, and with a user-assigned identity.
SUBSCRIPTION = "103ca2f9-34fe-49e0-966a-c17ec9a73100"
SYSTEM_IDENTITY = "7c51077f-4f5a-4178-ae55-a3a757063b46"
USER_IDENTITY = "f1203a25-a585-4a84-b746-022e72128719"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/contoso"
MACHINE_ID = f"{GROUP_ID}/providers/Microsoft.Compute/virtualMachines/contoso-machine"
USER_IDENTITY_ID = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/contoso-worker"

# First-party apps that people use before they have registered an app.
GRAPH_COMMAND_LINE = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
KEY_VAULT_APP = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"

GRAPH_HOSTS = (
    "graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn",
    "graph.svc.sovcloud.fr", "graph.svc.sovcloud.de", "graph.svc.sovcloud.sg",
)  # fmt: skip


class Users(NamedTuple):
    """The seeded users, by what is special about them.

    Args:
        normal: Nothing special; has consented.
        mfa: Has a second factor; an administrator.
        disabled: The account is disabled.
        consent: Has consented to nothing yet.
        locked: Too many wrong passwords.
        expired: The password has expired.
        blocked: Blocked everywhere by a policy.
        passwordless: Has no password.
    """

    normal: User
    mfa: User
    disabled: User
    consent: User
    locked: User
    expired: User
    blocked: User
    passwordless: User


USERS = Users(
    normal=User(
        f"ada@{DOMAIN}", "Correct-Horse-1", "2f161f98-38ee-42d4-90b0-1085b79c71cc", "Ada Larsen", TENANT_ID,
        mail=f"ada@{DOMAIN}",
    ),
    mfa=User(
        f"mia@{DOMAIN}", "Second-Factor-2", "c9306352-8829-4696-b4bc-c425f320bdaa", "Mia Okafor", TENANT_ID,
        mfa_code=MFA_CODE, mail=f"mia@{DOMAIN}", is_admin=True,
    ),
    disabled=User(
        f"dan@{DOMAIN}", "Switched-Off-3", "4de8054b-3d7d-4ec2-b95e-803ff24fd95f", "Dan Petrov", TENANT_ID,
        is_enabled=False,
    ),
    consent=User(f"cora@{DOMAIN}", "Ask-Me-First-4", "3e831217-f4a6-44b4-a362-5fcd93c78754", "Cora Silva", TENANT_ID),
    locked=User(
        f"lou@{DOMAIN}", "Locked-Out-5", "336508e7-46cb-4f4a-8f2a-73b1b3d0cc27", "Lou Meyer", TENANT_ID, is_locked=True
    ),
    expired=User(
        f"pia@{DOMAIN}", "Long-Ago-6", "f8cd574f-5738-4d0a-894a-fe3eebde7f12", "Pia Novak", TENANT_ID,
        is_password_expired=True,
    ),
    blocked=User(
        f"bo@{DOMAIN}", "No-Entry-7", "842a7d59-8b98-420b-ac7a-655087a71149", "Bo Lindqvist", TENANT_ID,
        is_blocked=True,
    ),
    passwordless=User(
        f"kim@{DOMAIN}", "", "735c4cdf-28f9-4fb2-bcdc-925a2f85247c", "Kim Tran", TENANT_ID
    ),
)  # fmt: skip

GRAPH_PERMISSIONS = (
    Permission("User.Read", "Read your profile", "It reads your profile and that of your company."),
    Permission(
        "User.ReadBasic.All", "Read basic profiles of all users", "It reads names and pictures of your company."
    ),
    Permission("User.ReadWrite", "Change your profile", "It reads and changes your profile."),
    Permission("Mail.Read", "Read your mail", "It reads all messages in your mailbox."),
    Permission("Calendars.Read", "Read your calendars", "It reads all events in your calendars."),
    Permission("Contacts.Read", "Read your contacts", "It reads all contacts in your folders."),
    Permission("Files.Read", "Read your files", "It reads all your files."),
    Permission("User.Read.All", "Read all profiles", "It reads the full profile of all users.", True),
    Permission("User.ReadWrite.All", "Change all profiles", "It changes the full profile of all users.", True),
    Permission("User.RevokeSessions.All", "End sessions", "It ends all sessions of all users.", True),
    Permission("Group.Read.All", "Read all groups", "It reads all groups and their members.", True),
    Permission("Group.ReadWrite.All", "Change all groups", "It changes all groups and their members.", True),
    Permission("Directory.Read.All", "Read the directory", "It reads users, groups, apps and devices.", True),
    Permission("Directory.ReadWrite.All", "Change the directory", "It changes users, groups and devices.", True),
    Permission("Directory.AccessAsUser.All", "Act in the directory", "It does what you may do in the directory.", True),
    Permission("Device.Read.All", "Read all devices", "It reads all devices and their owners.", True),
    Permission("Application.Read.All", "Read all apps", "It reads all app registrations.", True),
    Permission("AuditLog.Read.All", "Read the audit log", "It reads who signed in and who changed what.", True),
    Permission("Organization.Read.All", "Read the organization", "It reads the company's details.", True),
    Permission("GroupMember.Read.All", "Read memberships", "It reads who is in which group.", True),
    Permission("GroupMember.ReadWrite.All", "Change memberships", "It changes who is in which group.", True),
    Permission("Application.ReadWrite.All", "Change all apps", "It changes all app registrations.", True),
    Permission("User.DeleteRestore.All", "Delete and restore users", "It deletes and restores all users.", True),
    Permission("LicenseAssignment.Read.All", "Read all licenses", "It reads who has which license.", True),
    Permission("LicenseAssignment.ReadWrite.All", "Change all licenses", "It changes who has which license.", True),
)
ADA_GRANTED = frozenset({"User.Read", "User.ReadBasic.All", "User.Read.All", "Group.Read.All", "Directory.Read.All"})
# App roles of the app and of the managed identities.
READING_ROLES = {
    GRAPH_ID: ("User.Read.All", "Group.Read.All", "Directory.Read.All", "Organization.Read.All"),
    API_CLIENT: ("Orders.Read.All",),
}
NATIVE = (
    Redirect("http://localhost"),
    Redirect("http://127.0.0.1"),
    Redirect("https://login.microsoftonline.com/common/oauth2/nativeclient"),
)


def plant(world: World, certificate: KeyVaultCertificate, hsm_certificate: KeyVaultCertificate) -> None:
    """Add the seeds to an empty world.

    Args:
        world: The world.
        certificate: Certificate of the confidential app.
        hsm_certificate: Another certificate of that app, whose key exists in the key vault only.
    """
    for directory in (
        Directory(
            TENANT_ID, "Contoso (emulated)", (DOMAIN, "contoso.onmicrosoft.com"), federated=("federated.example",)
        ),
        Directory(USGOV_TENANT_ID, "Contoso Government (emulated)", ("usgov.example",), "USGov", "usgov"),
    ):
        world.tenants[directory.tenant_id] = directory
    for user in USERS:
        world.users[user.object_id] = user
    for app in (*_resources(world), *_clients(certificate, hsm_certificate)):
        world.apps[app.client_id] = app
    for client_id in (
        PUBLIC_CLIENT, CONFIDENTIAL_CLIENT, SINGLE_TENANT_CLIENT, SPA_CLIENT, ASSIGNED_CLIENT, GRAPH_COMMAND_LINE,
        AZURE_CLI, AZURE_POWERSHELL,
    ):  # fmt: skip
        for user in USERS:
            if user is not USERS.consent:
                world.consents[user.object_id, API_CLIENT, GRAPH_ID] = frozenset({"User.Read"})
                world.consents[user.object_id, client_id, GRAPH_ID] = ADA_GRANTED
                world.consents[user.object_id, client_id, API_CLIENT] = frozenset({"Orders.Read"})
                world.consents[user.object_id, client_id, MANAGEMENT] = frozenset({"user_impersonation"})
                world.consents[user.object_id, client_id, KEY_VAULT_APP] = frozenset({"user_impersonation"})
    world.key_vaults[KEY_VAULT] = _vault(world, certificate, hsm_certificate)


def _vault(world: World, certificate: KeyVaultCertificate, hsm_certificate: KeyVaultCertificate) -> KeyVault:
    now = int(world.clock.now())
    principal = world.apps[KEY_VAULT_CLIENT].principal_id(TENANT_ID)
    return KeyVault(
        KEY_VAULT,
        TENANT_ID,
        certificates={
            KEY_VAULT_CERTIFICATE: (replace(certificate, created=now),),
            KEY_VAULT_HSM_CERTIFICATE: (replace(hsm_certificate, created=now),),
        },
        secrets={KEY_VAULT_SECRET: (KeyVaultSecret(CLIENT_SECRET, created=now),)},
        access=dict.fromkeys((principal, USERS.normal.object_id), frozenset(PERMISSIONS)),
    )


def _resources(world: World) -> Iterator[App]:
    roles = tuple(one.value for one in GRAPH_PERMISSIONS if one.is_admin_only)
    yield App(
        GRAPH_ID, "Microsoft Graph (emulated)", TENANT_ID,
        identifier_uris=(*(f"https://{host}" for host in GRAPH_HOSTS), world.origin),
        permissions=GRAPH_PERMISSIONS, roles=roles, token_version=1,
    )  # fmt: skip
    act = (Permission("user_impersonation", "Act as you", "It has all your permissions in this service."),)
    yield App(
        MANAGEMENT, "Azure Resource Manager (emulated)", TENANT_ID,
        identifier_uris=("https://management.azure.com/", "https://management.core.windows.net/"),
        permissions=act, token_version=1,
    )  # fmt: skip
    yield App(
        KEY_VAULT_APP, "Azure Key Vault (emulated)", TENANT_ID,
        identifier_uris=("https://vault.azure.net",), permissions=act, token_version=1,
    )  # fmt: skip
    yield App(
        API_CLIENT, "Contoso Orders", TENANT_ID, identifier_uris=(API_URI,),
        permissions=(
            Permission("Orders.Read", "Read your orders", "It reads the orders that you placed."),
            Permission("Orders.Write", "Place orders", "It places orders for you."),
        ),
        roles=("Orders.Read.All",),
        # The API exchanges the tokens of its callers for tokens for Graph.
        secrets=(Secret(API_SECRET),), required={GRAPH_ID: ("User.Read",)},
    )  # fmt: skip
    yield App(
        TOKEN_EXCHANGE_ID, "AAD Token Exchange Endpoint (emulated)", TENANT_ID, identifier_uris=TOKEN_EXCHANGE_URIS
    )


def _clients(*certificates: KeyVaultCertificate) -> Iterator[App]:
    static = {GRAPH_ID: ("User.Read",)}
    yield App(
        PUBLIC_CLIENT, "Contoso Desk", TENANT_ID,
        redirects=NATIVE, is_public=True, is_multi_tenant=True, required=static,
    )  # fmt: skip
    yield App(
        CONFIDENTIAL_CLIENT, "Contoso Nightly", TENANT_ID,
        redirects=(Redirect("http://localhost", "web"), Redirect("https://nightly.contoso.example/signed-in", "web")),
        secrets=(Secret(CLIENT_SECRET, CLIENT_SECRET_ID), Secret(EXPIRED_SECRET, expires_at=1.0)),
        certificates=tuple(read_certificate(one.certificate_pem.encode()) for one in certificates),
        granted_roles=READING_ROLES,
        required=static,
    )  # fmt: skip
    for client_id, name, resource_id in (
        (SYSTEM_IDENTITY, "contoso-machine", MACHINE_ID),
        (USER_IDENTITY, "contoso-worker", USER_IDENTITY_ID),
    ):
        yield App(client_id, name, TENANT_ID, granted_roles=READING_ROLES, resource_id=resource_id)
    yield App(KEY_VAULT_CLIENT, "Contoso Keeper", TENANT_ID, secrets=(Secret(KEY_VAULT_CLIENT_SECRET),))
    yield App(SINGLE_TENANT_CLIENT, "Contoso Only", TENANT_ID, redirects=NATIVE, is_public=True, required=static)
    yield App(DISABLED_CLIENT, "Contoso Retired", TENANT_ID, redirects=NATIVE, is_public=True, is_enabled=False)
    yield App(
        SPA_CLIENT, "Contoso Web", TENANT_ID,
        redirects=(Redirect("https://web.contoso.example/", "spa"), Redirect("http://localhost", "spa")),
        is_multi_tenant=True, required=static,
    )  # fmt: skip
    yield App(
        ASSIGNED_CLIENT, "Contoso Payroll", TENANT_ID,
        redirects=NATIVE, is_public=True, needs_assignment=True, assigned=frozenset({USERS.mfa.object_id}),
        required=static,
    )  # fmt: skip
    yield App(
        FOREIGN_CLIENT, "Fabrikam Sync", USGOV_TENANT_ID,
        is_multi_tenant=True, secrets=(Secret(CLIENT_SECRET),),
    )  # fmt: skip
    for client_id, name in (
        (GRAPH_COMMAND_LINE, "Microsoft Graph Command Line Tools (emulated)"),
        (AZURE_CLI, "Microsoft Azure CLI (emulated)"),
        (AZURE_POWERSHELL, "Microsoft Azure PowerShell (emulated)"),
    ):
        yield App(
            client_id, name, TENANT_ID,
            redirects=NATIVE, is_public=True, is_multi_tenant=True, is_family=client_id != GRAPH_COMMAND_LINE,
            required=static,
        )  # fmt: skip
