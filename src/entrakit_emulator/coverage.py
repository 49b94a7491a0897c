"""The coverage page: what the emulator supports and refuses, generated from its own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator import faults
from entrakit_emulator.graph.routes import table
from entrakit_emulator.routes import REFUSED, ROUTES
from entrakit_emulator.sts import error_table, error_table_on_demand, token

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# Checks and functions of the real service that the emulator does not have. Maintained by hand.
NOT_CHECKED = (
    "Conditional access beyond a second factor and a full block; risk, device state, location, named policies.",
    "Password complexity, lockout after wrong passwords, self-service reset.",
    "Guests and personal accounts; each user is in one tenant.",
    "Certificate chains (x5c): an assertion is checked against registered certificates only.",
    "Reuse of an assertion's jti; the real service does not check it either.",
    "Optional claims, groups and their overage, directory roles (wids) of a user.",
    "The signature of Graph tokens: everybody can verify it; in the real service nobody can (its nonce is hashed).",
    "CORS of the token endpoint, which a single-page app in a browser requires.",
    "Proof-of-possession and certificate-bound tokens.",
    "Graph: directory roles of a user, administrative units, and the rights of owners without a permission.",
    "Graph: throttling of an app over all tenants, of a tenant over all apps, and of single services.",
    "Graph: dynamic membership rules; licences of groups; limits on the number of objects.",
    "Key Vault: roles (RBAC), firewalls and private links; access is by policy. Every key belongs to a certificate.",
    "Key Vault: tags, key operations, rotation and release policies; throttling; pages of lists.",
    "Managed identities: which host an identity is assigned to; every host has all of them. Cloud Shell has one user.",
    "Azure Resource Manager: roles; every caller sees the same subscription.",
    "Sizes: tokens, codes and refresh tokens are shorter than the real ones.",
)
REFUSED_GRANTS = (
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "user_fic",
)
REFUSED_FEATURES = (
    "response types other than code (AADSTS700054)",
    "sign-in of users in federated domains",
    "user realm with an api-version other than 1.0",
    "Microsoft Graph beyond the addresses that its table lists",
    "Microsoft Graph: upserts by uniqueName, isof",
    "Key Vault beyond getting keys, certificates and secrets, listing their versions, and signing with RS256 and PS256",
    "Azure Resource Manager beyond /metadata/endpoints, /tenants and /subscriptions",
    "Key Vault api-versions other than 7.4 and 7.5 (BadParameter)",
)


def report(answered: AbstractSet[int]) -> dict[str, object]:
    """Return the coverage as JSON values.

    Args:
        answered: AADSTS numbers answered since the last reset.
    """
    return {
        "endpoints": sorted({route.pattern for route in ROUTES} - set(REFUSED)),
        "graph": sorted({f"{one.method} /{'/'.join(one.pattern)}".replace("*", "{id}") for one in table()}),
        "grants": sorted(token.GRANTS),
        "errors_found": sorted(error_table.FOUND),
        "errors_on_demand": sorted(error_table_on_demand.ON_DEMAND),
        "errors_answered": sorted(answered),
        "faults": sorted(faults.KINDS),
        "polls": list(faults.POLLS),
        "refused_endpoints": dict(sorted(REFUSED.items())),
        "refused_grants": list(REFUSED_GRANTS),
        "refused_features": list(REFUSED_FEATURES),
        "not_checked": list(NOT_CHECKED),
    }
