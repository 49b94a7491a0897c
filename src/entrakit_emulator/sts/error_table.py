"""Every AADSTS number that the emulator can answer with: OAuth error, HTTP status, suberror, text.

`FOUND` are the errors that the emulator detects itself; `error_table_assertions` has a part of them. Those in
`error_table_on_demand` are sent on request.
Messages follow the service's; `{names}` are filled in. A row with `has_page=False` is sent without `error_uri`.
"""

from __future__ import annotations

from entrakit_emulator.sts.error_kind import ErrorKind
from entrakit_emulator.sts.error_table_assertions import ASSERTIONS
from entrakit_emulator.sts.error_table_on_demand import ON_DEMAND

_NOT_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant."
)
_MFA = "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
_BLOCKED = "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."

FOUND: dict[int, ErrorKind] = ASSERTIONS | {
    # Client and its credential.
    7000215: ErrorKind(
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{app}'.",
    ),
    7000222: ErrorKind(
        "invalid_client",
        401,
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for "
        "your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    ),
    7000218: ErrorKind(
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    700025: ErrorKind(
        "invalid_client",
        401,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    700016: ErrorKind(
        "unauthorized_client",
        400,
        "Application with identifier '{app}' was not found in the directory '{tenant}'. "
        + _NOT_INSTALLED
        + " You may have sent your authentication request to the wrong tenant.",
    ),
    700038: ErrorKind("unauthorized_client", 400, "{app} is not a valid application identifier.", has_page=False),
    7000112: ErrorKind("unauthorized_client", 400, "Application '{app}'({name}) is disabled."),
    7000229: ErrorKind(
        "invalid_client",
        401,
        "The client application {app} is missing service principal in the tenant {tenant}. See instructions here: "
        "https://go.microsoft.com/fwlink/?linkid=2225119",
    ),
    700021: ErrorKind(
        "invalid_client", 401, "Client assertion application identifier doesn't match 'client_id' parameter."
    ),
    700023: ErrorKind("invalid_client", 401, "Client assertion audience claim does not match Realm issuer."),
    700024: ErrorKind(
        "invalid_client",
        401,
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {start}, "
        "expiry time of assertion {end}.",
    ),
    700027: ErrorKind(
        "invalid_client",
        401,
        "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: "
        "'{thumbprint}'].",
    ),
    50027: ErrorKind("invalid_client", 401, "JWT token is invalid or malformed. {reason}"),
    50048: ErrorKind("invalid_client", 401, "Subject must match Issuer claim in the client assertion."),
    # The request.
    900144: ErrorKind("invalid_request", 400, "The request body must contain the following parameter: '{parameter}'."),
    900561: ErrorKind(
        "invalid_request", 405, "The endpoint only accepts {allowed} requests. Received a {method} request."
    ),
    9002313: ErrorKind("invalid_request", 400, "Invalid request. Request is malformed or invalid."),
    70003: ErrorKind(
        "unsupported_grant_type", 400, "The app requested an unsupported grant type '{grant}'.", has_page=False
    ),
    9001023: ErrorKind(
        "invalid_request",
        400,
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or "
        "tenant-specific endpoint.",
    ),
    # Tenant.
    90002: ErrorKind(
        "invalid_request",
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    900023: ErrorKind(
        "invalid_request",
        400,
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    ),
    90038: ErrorKind(
        "invalid_request",
        400,
        "Tenant '{tenant}' request is being redirected to the National Cloud '{cloud}'.",
    ),
    900382: ErrorKind("invalid_request", 400, "Confidential Client is not supported in Cross Cloud request."),
    50049: ErrorKind("invalid_instance", 400, "Unknown or invalid instance."),
    50059: ErrorKind(
        "invalid_request",
        400,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    50194: ErrorKind(
        "invalid_request",
        400,
        "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint "
        "is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the "
        "application to be multi-tenant.",
    ),
    9002332: ErrorKind(
        "invalid_request",
        400,
        "Application '{app}'({name}) is configured for use by Azure Active Directory users only. Please do not use "
        "the /consumers endpoint to serve this request.",
    ),
    # Resource and scope.
    500011: ErrorKind(
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. "
        + _NOT_INSTALLED
        + " You might have sent your authentication request to the wrong tenant.",
    ),
    1002012: ErrorKind(
        "invalid_scope",
        400,
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    70011: ErrorKind(
        "invalid_scope",
        400,
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    28000: ErrorKind(
        "invalid_scope",
        400,
        "Provided value for the input parameter scope is not valid because it contains more than one resource. "
        "Scope {scope} is not valid.",
    ),
    650053: ErrorKind(
        "invalid_client",
        400,
        "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact "
        "the app vendor.",
    ),
    # Person.
    50034: ErrorKind(
        "invalid_grant",
        400,
        "The user account {user} does not exist in the {tenant} directory. To sign into this application, the "
        "account must be added to the directory.",
    ),
    50053: ErrorKind(
        "invalid_grant",
        400,
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    50055: ErrorKind("invalid_grant", 400, "The password is expired.", "user_password_expired"),
    50056: ErrorKind(
        "invalid_grant",
        400,
        "Invalid or null password: password does not exist in the directory for this user.",
    ),
    50057: ErrorKind("invalid_grant", 400, "The user account is disabled."),
    50058: ErrorKind(
        "login_required",
        400,
        "A silent sign-in request was sent but no user is signed in.",
    ),
    50076: ErrorKind(
        "invalid_grant", 400, _MFA + "use multi-factor authentication to access '{resource}'.", "basic_action"
    ),
    50105: ErrorKind(
        "invalid_grant",
        400,
        "Your administrator has configured the application {name} ('{app}') to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because "
        "they are not a direct member of a group with access, nor had access directly assigned by an administrator. "
        "Please contact your administrator to assign access to this application.",
    ),
    50126: ErrorKind("invalid_grant", 400, "Error validating credentials due to invalid username or password."),
    53003: ErrorKind("invalid_grant", 400, _BLOCKED, "message_only"),
    65001: ErrorKind(
        "invalid_grant",
        400,
        "The user or administrator has not consented to use the application with ID '{app}' named '{name}'. Send an "
        "interactive authorization request for this user and resource.",
        "consent_required",
    ),
    65004: ErrorKind("access_denied", 400, "User declined to consent to access the app."),
    90093: ErrorKind(
        "access_denied",
        400,
        "This operation can only be performed by an administrator. Sign out and sign in as an administrator or contact "
        "one of your organization's administrators.",
    ),
    90094: ErrorKind(
        "access_denied",
        400,
        "An administrator of {tenant} has set a policy that prevents you from granting {name} the permissions it is "
        "requesting. Contact an administrator of {tenant}, who can grant permissions to this app on your behalf.",
    ),
    50020: ErrorKind(
        "invalid_grant",
        400,
        "User account '{user}' from identity provider '{issuer}' does not exist in tenant '{tenant}' and cannot access "
        "the application '{app}'({name}) in that tenant. The account needs to be added as an external user in the "
        "tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
    ),
    500121: ErrorKind("invalid_grant", 400, "Authentication failed during strong authentication request."),
    50089: ErrorKind(
        "invalid_grant", 400, "Flow token expired - authentication failed. Have the user try signing-in again."
    ),
    165000: ErrorKind(
        "invalid_request",
        400,
        "Invalid Request: The request tokens do not match the user context. Do not copy the user context values "
        "(cookies; form fields; headers) between different requests or user sessions; always maintain the ALL of the "
        "supplied values across a complete single user flow.",
    ),
    # Grants.
    50011: ErrorKind(
        "invalid_request",
        400,
        "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the "
        "application '{app}'. Make sure the redirect URI sent in the request matches one added to your application "
        "in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to "
        "troubleshoot this error.",
    ),
    500112: ErrorKind(
        "invalid_client",
        400,
        "The reply address '{redirect}' does not match the reply address '{registered}' provided when requesting "
        "Authorization code.",
    ),
    500113: ErrorKind("invalid_request", 400, "No reply address is registered for the application."),
    9002327: ErrorKind(
        "invalid_request",
        400,
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ),
    54005: ErrorKind(
        "invalid_grant",
        400,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    70000: ErrorKind("invalid_grant", 400, "Provided grant is invalid or malformed."),
    70008: ErrorKind(
        "invalid_grant",
        400,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
    ),
    700005: ErrorKind(
        "invalid_grant", 400, "Provided Authorization Code is intended to use against other tenant, thus rejected."
    ),
    501481: ErrorKind(
        "invalid_grant",
        400,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    501491: ErrorKind("invalid_request", 400, "Invalid size of Code_Challenge parameter."),
    700054: ErrorKind("unsupported_response_type", 400, "response_type '{type}' is not enabled for the application."),
    70005: ErrorKind("unsupported_response_type", 400, "The app returned an unsupported response type."),
    50173: ErrorKind(
        "invalid_grant",
        400,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before "
        "which tokens are not valid) for this user is '{valid_from}'.",
        "bad_token",
    ),
    700082: ErrorKind(
        "invalid_grant",
        400,
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for "
        "90.00:00:00.",
    ),
    700084: ErrorKind(
        "invalid_grant",
        400,
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of "
        "1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to "
        "the sign in page. The token was issued on {issued}.",
    ),
    50196: ErrorKind(
        "invalid_grant",
        400,
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
    ),
    # Device code.
    70016: ErrorKind(
        "authorization_pending",
        400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    70018: ErrorKind(
        "bad_verification_code", 400, "Invalid verification code due to user typing in wrong user code for device flow."
    ),
    90119: ErrorKind("bad_verification_code", 400, "The user code is null or empty."),
    90120: ErrorKind("bad_verification_code", 400, "The request was already authorized or declined."),
    70019: ErrorKind("code_expired", 400, "Verification code expired."),
    70020: ErrorKind(
        "expired_token",
        400,
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    ),
}

TABLE: dict[int, ErrorKind] = FOUND | ON_DEMAND
