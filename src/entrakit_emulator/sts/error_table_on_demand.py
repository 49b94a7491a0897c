"""AADSTS numbers that the emulator sends only on demand (`faults.Refusal`)."""

from __future__ import annotations

from entrakit_emulator.sts.error_kind import ErrorKind

_MFA = "Due to a configuration change made by your administrator, or because you moved to a new location, you must "

ON_DEMAND: dict[int, ErrorKind] = {
    16000: ErrorKind("interaction_required", 400, "User account from identity provider does not exist in this tenant."),
    28002: ErrorKind("invalid_scope", 400, "Provided value for the input parameter scope is not valid."),
    28003: ErrorKind("invalid_scope", 400, "Provided value for the input parameter scope can't be empty."),
    50000: ErrorKind("server_error", 500, "There was an error issuing a token or an issue with our sign-in service."),
    50001: ErrorKind(
        "invalid_resource", 400, "The resource is disabled or the resource named {resource} was not found."
    ),
    50002: ErrorKind("invalid_grant", 400, "Sign-in failed due to restricted proxy access on your network."),
    50012: ErrorKind("invalid_client", 401, "Authentication failed: the client assertion could not be validated."),
    50033: ErrorKind("temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
    50064: ErrorKind("invalid_grant", 400, "Credential validation has failed."),
    50072: ErrorKind("interaction_required", 400, _MFA + "enroll in multi-factor authentication.", "basic_action"),
    50074: ErrorKind("interaction_required", 400, "Strong authentication is required.", "basic_action"),
    50078: ErrorKind(
        "interaction_required",
        400,
        "Presented multi-factor authentication has expired due to policies configured by your administrator, you must "
        "refresh your multi-factor authentication to access '{resource}'.",
        "basic_action",
    ),
    50079: ErrorKind(
        "interaction_required",
        400,
        _MFA + "enroll in multi-factor authentication to access '{resource}'.",
        "basic_action",
    ),
    50097: ErrorKind("interaction_required", 400, "Device authentication is required.", "device_authentication_failed"),
    50128: ErrorKind("invalid_request", 400, "Invalid domain name. No tenant-identifying information found."),
    50129: ErrorKind("interaction_required", 400, "Device is not Workplace joined.", "device_authentication_failed"),
    50131: ErrorKind("interaction_required", 400, "Device is not in required state, or the request was suspicious."),
    50132: ErrorKind(
        "invalid_grant", 400, "The session is not valid: password expired or recently changed.", "bad_token"
    ),
    50133: ErrorKind(
        "invalid_grant", 400, "Session is invalid due to expiration or recent password change.", "bad_token"
    ),
    50144: ErrorKind("invalid_grant", 400, "User's Active Directory password has expired.", "user_password_expired"),
    50147: ErrorKind("invalid_request", 400, "Invalid size of Code_Verifier parameter."),
    50155: ErrorKind("interaction_required", 400, "Device authentication failed.", "device_authentication_failed"),
    50158: ErrorKind("interaction_required", 400, "External security challenge was not satisfied.", "basic_action"),
    50187: ErrorKind("interaction_required", 400, "The service failed to perform device authentication."),
    50199: ErrorKind(
        "interaction_required", 400, "For security reasons, user confirmation is required for this request."
    ),
    51004: ErrorKind("invalid_grant", 400, "The user account {user} does not exist in the {tenant} directory."),
    53000: ErrorKind("interaction_required", 400, "Device is not in required device state: compliant.", "message_only"),
    53001: ErrorKind(
        "interaction_required", 400, "Device is not in required device state: domain joined.", "message_only"
    ),
    53002: ErrorKind("interaction_required", 400, "The app used is not an approved app for Conditional Access."),
    53004: ErrorKind("interaction_required", 400, "The user needs to enroll for multi-factor authentication first."),
    53011: ErrorKind("interaction_required", 400, "User blocked due to risk on home tenant."),
    500021: ErrorKind("invalid_grant", 400, "Access to tenant '{tenant}' is denied."),
    500022: ErrorKind("invalid_grant", 400, "Access to tenant '{tenant}' is denied: tenant restrictions."),
    500208: ErrorKind("invalid_request", 400, "The domain is not a valid login domain for the account type."),
    500212: ErrorKind("invalid_grant", 400, "The user's administrator has set an outbound access policy."),
    500213: ErrorKind(
        "invalid_grant", 400, "The resource tenant's cross-tenant access policy does not allow this user."
    ),
    501051: ErrorKind("invalid_grant", 400, "Application '{app}'({name}) is not assigned to a role for '{resource}'."),
    530003: ErrorKind(
        "interaction_required", 400, "Your device is required to be managed to access this resource.", "message_only"
    ),
    530032: ErrorKind("invalid_grant", 400, "Blocked by security policy.", "message_only"),
    530034: ErrorKind(
        "invalid_grant", 400, "A delegated administrator was blocked from accessing the tenant due to risk."
    ),
    530035: ErrorKind("invalid_grant", 400, "Access has been blocked by security defaults.", "message_only"),
    65002: ErrorKind(
        "invalid_request",
        400,
        "Consent between first party applications must be configured by preauthorization.",
    ),
    65005: ErrorKind(
        "invalid_client", 400, "Misconfigured application: it asks for a resource not in its required list."
    ),
    650052: ErrorKind(
        "invalid_client",
        400,
        "The app needs access to a service that your organization has not subscribed to.",
    ),
    650054: ErrorKind(
        "invalid_client", 400, "The application asked for permissions to a resource that is no longer there."
    ),
    650056: ErrorKind("invalid_client", 400, "Misconfigured application."),
    650057: ErrorKind(
        "invalid_resource",
        400,
        "Invalid resource. The client has requested access to a resource which is not listed.",
    ),
    70001: ErrorKind(
        "unauthorized_client", 400, "The application named {app} was not found in the tenant named {tenant}."
    ),
    70002: ErrorKind("invalid_client", 401, "Error validating credentials."),
    70021: ErrorKind("invalid_client", 401, "No matching federated identity record found for presented assertion."),
    70043: ErrorKind(
        "invalid_grant",
        400,
        "The refresh token has expired due to sign-in frequency checks.",
        "token_expired",
    ),
    700011: ErrorKind("unauthorized_client", 400, "Application with identifier {app} was not found in the directory."),
    700020: ErrorKind("interaction_required", 400, "Interaction is required to issue a token."),
    700022: ErrorKind("invalid_scope", 400, "The scope has more than one resource: {scope}."),
    700030: ErrorKind("invalid_client", 401, "The certificate's subject name is not authorized for the application."),
    7002381: ErrorKind(
        "invalid_client",
        401,
        "Federated identity credentials issued by '{issuer}' for applications or managed identities registered in this "
        "tenant must contain the enterprise claim with value '{enterprise}' but actual value is '{actual}'.",
    ),
    7000216: ErrorKind("invalid_client", 401, "'client_assertion', 'client_secret' or 'request' is required."),
    80001: ErrorKind("invalid_grant", 400, "Authentication Agent unable to connect to Active Directory."),
    80002: ErrorKind("invalid_grant", 400, "Authentication Agent's password validation request timed out."),
    80007: ErrorKind("invalid_grant", 400, "Authentication Agent unable to validate the user's password."),
    80014: ErrorKind("invalid_grant", 400, "Validation request responded after maximum elapsed time exceeded."),
    90006: ErrorKind("temporarily_unavailable", 503, "External server retryable error."),
    90008: ErrorKind("invalid_grant", 400, "The user or administrator has not consented to use the application."),
    90012: ErrorKind("temporarily_unavailable", 503, "Request timeout."),
    90014: ErrorKind("invalid_request", 400, "The required field '{parameter}' is missing from the credential."),
    90019: ErrorKind("invalid_request", 400, "No tenant-identifying information found in the request."),
    90023: ErrorKind("invalid_request", 400, "Invalid STS request."),
    90024: ErrorKind("temporarily_unavailable", 429, "The request budget is exceeded: a transient error has occurred."),
    90033: ErrorKind("temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
    90036: ErrorKind("server_error", 500, "An unexpected, non-retryable error from the directory occurred."),
    90055: ErrorKind("temporarily_unavailable", 429, "The server is terminating the request: too many requests."),
    90072: ErrorKind(
        "invalid_grant",
        400,
        "User account '{user}' from identity provider does not exist in tenant '{tenant}'. The account needs to be "
        "added as an external user in the tenant first.",
    ),
    90095: ErrorKind("access_denied", 400, "Admin consent is required: a request for approval can be sent."),
    90100: ErrorKind("invalid_request", 400, "{parameter} parameter is empty or not valid."),
    900432: ErrorKind("invalid_request", 400, "Confidential Client is not supported in Cross Cloud request."),
    900971: ErrorKind("invalid_request", 400, "No reply address provided."),
    901002: ErrorKind("invalid_request", 400, "The 'resource' request parameter is not supported."),
    9002325: ErrorKind(
        "invalid_request", 400, "Proof Key for Code Exchange is required for cross-origin code redemption."
    ),
    9002326: ErrorKind(
        "invalid_request",
        400,
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    ),
    1000031: ErrorKind(
        "unauthorized_client",
        400,
        "Application {name} cannot be accessed at this time. Contact your administrator.",
    ),
}
