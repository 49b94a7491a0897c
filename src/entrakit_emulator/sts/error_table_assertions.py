"""AADSTS numbers of federated credentials and of the assertions of the on-behalf-of grant."""

from __future__ import annotations

from entrakit_emulator.sts.error_kind import ErrorKind

_COMPARE = (
    " Please check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)

ASSERTIONS: dict[int, ErrorKind] = {
    # Federated credentials.
    70025: ErrorKind(
        "invalid_client", 401, "The client '{app}'({name}) has no configured federated identity credentials."
    ),
    700211: ErrorKind(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion issuer '{issuer}'." + _COMPARE,
    ),
    700212: ErrorKind(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion audience '{audience}'." + _COMPARE,
    ),
    700213: ErrorKind(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'." + _COMPARE,
    ),
    7002138: ErrorKind(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches "
        "with case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity "
        "credential Subject, Audience and Issuer against the presented assertion. See documentation at: "
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation. See breaking change notification "
        "and remediation at: "
        "https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024.",
    ),
    700229: ErrorKind(
        "invalid_client",
        401,
        "Only app-only tokens can be used as Federated Identity Credentials for Microsoft Entra issuer. Use an "
        "app-only access token (generated during a client credentials flow) instead of a user-delegated access token "
        "(representing a request coming from a user context).",
    ),
    5002738: ErrorKind(
        "invalid_client",
        401,
        "Invalid JWT token. '{algorithm}' is not a supported signature algorithm. Supported signing algorithms are: "
        "'RS256,RS384,RS512'",
    ),
    5002741: ErrorKind(
        "invalid_client",
        401,
        "Number of audience values in the provided client credential exceed maximum allowed. {count} audience values "
        "provided, maximum allowed is 1.",
    ),
    7000272: ErrorKind(
        "invalid_client",
        401,
        "The certificate with identifier {key} used to sign the federated credential could not be found in the "
        "metadata of identity provider {issuer}. Please validate that your Identity Provider's metadata exposes the "
        "key used to sign the incoming token.",
    ),
    501661: ErrorKind("invalid_request", 400, "Request to External OIDC endpoint failed."),
    900612: ErrorKind("invalid_request", 400, "Failed to parse provider signing keys.", has_page=False),
    # On-behalf-of.
    50013: ErrorKind(
        "invalid_grant",
        400,
        "Assertion failed signature validation. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}'].",
    ),
    500131: ErrorKind(
        "invalid_grant",
        400,
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was "
        "'{audience}' and the expected audience is '{app}' or one of the Application Uris of this application with App "
        "ID '{app}'({name}). The downstream client must request a token for the expected audience (the application "
        "that made the OBO request) and this application should use that token as the assertion.",
    ),
    500133: ErrorKind(
        "invalid_grant",
        400,
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for "
        "user assertion, or request a new token. Current time: {now}, expiry time of assertion {end}.",
    ),
    240002: ErrorKind(
        "invalid_grant",
        400,
        "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
    ),
    7000114: ErrorKind(
        "unauthorized_client", 400, "Application '{app}' is not allowed to make application on-behalf-of calls."
    ),
}
