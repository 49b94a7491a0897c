"""Problems and remedies for the numbered errors of the token service (AADSTS), one line per meaning.

In the messages, {tenant} and {client_id} are those of the request, {consent} is the address where an administrator
consents, {reconnect} the call that connects again, and {browser} the call that does so in a browser. Numbers and
meanings follow Microsoft's page "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

_ADMIN = "Send this address to an administrator of the tenant: {consent}"
_OR_ADMIN = "Or send this address to an administrator of the tenant: {consent}"
_AGAIN = "Connect again: {reconnect}"
_CLIENT = "Check the client id, and that the app is registered in this tenant or has consent there."
_POLICY = "Ask an administrator to look up the correlation id in the sign-in log, which names the policy."
_BROWSER = "Sign in with the browser: {browser}"
_PLATFORM = "Register http://localhost under the platform 'Mobile and desktop applications' of the app."
_LATER = "Wait a little and try again."
_REPORT = "Start again; if that fails too, report it with the correlation id."
_SUPPORT = "Try again later; if the error persists, open a support case with the trace id."

# (numbers, what happened, what to do next)
TABLE: tuple[tuple[tuple[int, ...], str, str], ...] = (
    # Tenant, authority and cloud
    ((90002,), "The tenant {tenant} does not exist in this cloud.", "Check `tenant_id` for typos, and `cloud`."),
    ((900023,), "{tenant} is not a tenant.", "Use the GUID of the tenant or one of its verified domains."),
    ((90019, 50059, 50128), "The request does not name a tenant.", "Give `tenant_id`."),
    (
        (50049,),
        "The service does not know the authority.",
        "Check `cloud`: use the name of a cloud, or the address of an authority.",
    ),
    (
        (90038, 900382, 900432),
        "The tenant is in another national cloud.",
        "Select that cloud, such as `cloud='usgov'`.",
    ),
    (
        (50194,),
        "The app is for a single tenant, but was used for any.",
        "Use the id of that tenant, or make the app multi-tenant.",
    ),
    (
        (9001023,),
        "This way to sign in does not work for {tenant}.",
        "Use the id or a domain of the tenant, or organizations.",
    ),
    ((9002332,), "The app is for work and school accounts only.", "Use organizations, or the id of the tenant."),
    ((500208,), "Accounts of this kind can't sign in with this domain.", "Use a work account, or consumers."),
    # The app
    ((700016, 700011, 70001), "The app {client_id} was not found in the tenant {tenant}.", _CLIENT),
    ((700038,), "{client_id} is not a valid client id.", "Copy the application (client) id from the app registration."),
    ((7000112,), "The app is disabled in this tenant.", "Ask an administrator to enable the enterprise application."),
    ((7000229,), "The app has no service principal in this tenant.", _ADMIN),
    ((1000031,), "An administrator has blocked the app.", "Ask an administrator of the tenant."),
    (
        (70003,),
        "The app is not allowed to use this way to sign in.",
        "Use another one, or allow it in the app registration.",
    ),
    # Client secrets and assertions
    (
        (7000215, 70002),
        "The client secret is wrong.",
        (
            "Check that it is the secret's value, not its id, and that no shell has changed it. "
            "For the path of a certificate use `certificate_path`."
        ),
    ),
    (
        (7000222,),
        "The client secret has expired.",
        "Create a new one in the app registration; a certificate lasts longer.",
    ),
    (
        (7000216,),
        "Neither a secret nor an assertion was sent.",
        "Give one. Check that its environment variable is not empty.",
    ),
    (
        (7000218,),
        "The app is a confidential client, which needs a secret or a certificate.",
        "Turn on 'Allow public client flows' in the app registration, or give a secret or a certificate.",
    ),
    (
        (700025,),
        "The app is a public client, which must not send a secret.",
        "Omit the secret, or use a confidential client.",
    ),
    (
        (700027,),
        "The app does not have this certificate, or the signature is wrong.",
        "Upload this certificate to the app registration (compare the thumbprints), then wait a minute.",
    ),
    (
        (700024,),
        "The assertion is not valid at this time.",
        "Check this machine's clock; in a pipeline, get a new assertion.",
    ),
    (
        (700030,),
        "The app does not trust the subject of the certificate.",
        "Compare the subject with the app's trusted subjects.",
    ),
    ((50012,), "The certificate was not accepted.", "Compare chain and thumbprint with the app registration."),
    ((50027, 50013), "The assertion is malformed or for another app.", "Check clock, cloud and client id."),
    (
        (500131,),
        "The user's token was issued for another API, not for this app.",
        "Pass the token that this web API received itself: its audience is the client id or the App ID URI of the app.",
    ),
    ((500133,), "The user's token has expired, or is not valid yet.", "Check the clock. {reconnect}"),
    (
        (7000114,),
        "The token belongs to an app, and there is no user to act on behalf of.",
        "Pass the token of a user. To act as the app itself, connect with `client_secret` or a certificate alone.",
    ),
    (
        (240002,),
        "The user's token is an ID token.",
        "Pass the access token that the caller of the web API sent.",
    ),
    ((50048,), "The assertion's subject is not its issuer.", "Both must be the client id. Check the signer."),
    (
        (700213, 70021, 700211, 700212, 7002138),
        "No federated credential of the app matches the assertion.",
        "Compare issuer, subject and audience with the app's federated credential, character by character.",
    ),
    (
        (70025,),
        "The app has no federated credential.",
        "Add one to the app registration, with the issuer, the subject and the audience of the assertion.",
    ),
    ((5002738,), "The assertion is not signed with RS256.", "Use a token of the issuer that is signed with RS256."),
    ((5002741,), "The assertion has several audiences.", "Request a token with the audience of the cloud only."),
    (
        (501661, 900612, 7000272),
        "The service can't get the key that signed the assertion from its issuer.",
        "Check that the issuer's metadata can be read from the internet, then try again.",
    ),
    ((700229,), "A federated credential accepts tokens of apps only.", "Use a token of an app, not of a user."),
    (
        (700222, 700236),
        "A federated credential of this app does not accept tokens of Entra.",
        "Use a token of another issuer, or of a managed identity.",
    ),
    # Scopes and resources
    ((1002012,), "An app must request a scope that ends in /.default.", "Name the resource only: https://…/.default."),
    ((70011,), "A scope is not valid.", "Check its spelling, and that the app has access to its resource."),
    ((28002, 28003), "The scope is empty or not valid for the code.", "Give a valid scope with `scopes`."),
    ((28000, 700022), "The scopes belong to more than one resource.", "Request scopes of one resource at a time."),
    (
        (650053,),
        "The resource does not have this scope.",
        "Check its spelling. Some permissions exist for apps only, so a user can't have them.",
    ),
    ((700023,), "The scope names no resource.", "Use the full form with the resource, such as api://app/.default."),
    (
        (500011, 50001),
        "The resource does not exist in the tenant {tenant}.",
        "Check the resource of the scope for typos.",
    ),
    (
        (650057, 65005, 650056),
        "The resource is not among the app's API permissions.",
        "Add the permission, then consent.",
    ),
    ((650052, 650054), "The tenant has no subscription to this service.", "Ask an administrator of the tenant."),
    ((901002,), "The service requires scope instead of resource.", _REPORT),
    # Consent and assignment
    (
        (65001,),
        "The permissions that the app requests lack consent.",
        f"{_BROWSER}, and consent. {_OR_ADMIN}",
    ),
    ((65004,), "The consent was declined.", "Connect again and accept, or ask an administrator to consent."),
    ((90094, 90095, 90008), "Only an administrator can consent to this.", _ADMIN),
    ((65002,), "This Microsoft app has no access to this resource.", "Use your own app registration."),
    ((50105, 501051), "You are not assigned to this app.", "Ask an administrator to assign you or your group to it."),
    # Redirects and the browser leg
    ((50011,), "The app does not know the redirect URI http://localhost.", _PLATFORM),
    ((500113, 900971), "The app has no redirect URI.", _PLATFORM),
    ((700054, 70005), "The app does not allow this response type.", _PLATFORM),
    ((9002326, 9002327), "The redirect URI is registered for a web page, not for a program.", _PLATFORM),
    ((54005,), "The sign-in was used already.", "Start again, and don't go back in the browser."),
    ((70000, 70008), "The sign-in has expired or is no longer valid.", _AGAIN),
    ((501481, 50147, 501491), "The response belongs to another sign-in (PKCE).", _REPORT),
    ((700005,), "The code is for another tenant.", "Start again, and use the same tenant throughout."),
    ((50058,), "No account is signed in in the browser.", "Connect again without `prompt='none'`."),
    ((50199,), "The confirmation in the browser is missing.", "Connect again and press Continue."),
    ((900561,), "The browser came back with an old page.", "Start again, and don't go back in the browser."),
    # Passwords and users
    ((50126,), "The user name or password is wrong.", "Check both; repeated attempts lock the account."),
    (
        (50034, 51004),
        "The user does not exist in the tenant.",
        "Check the user name and `tenant_id`. Guests sign in with a browser.",
    ),
    ((50053,), "The account is locked, or the address is blocked.", "Wait, or ask an administrator."),
    ((50055, 50144), "The password has expired.", "Change it in a browser. Then connect again: {reconnect}"),
    ((50056,), "The account has no password in this directory.", _BROWSER),
    ((50057,), "The account is disabled.", "Ask an administrator of the tenant."),
    (
        (50064, 80001, 80002, 80007, 80014),
        "The password could not be checked by the on-premises directory.",
        "Try again later; if the error persists, ask an administrator whether the agent there is running.",
    ),
    (
        (50020, 16000, 90072),
        "This account belongs to another directory.",
        "Select the right account (`prompt='select_account'`) or tenant, or have the account invited as a guest.",
    ),
    # More than a password
    ((50076, 50074, 50158), "The tenant requires multi-factor authentication.", _BROWSER),
    (
        (50079, 50072),
        "Multi-factor authentication must be set up first.",
        "Register at https://aka.ms/mfasetup, then try again.",
    ),
    ((50078,), "The last multi-factor authentication was too long ago.", _AGAIN),
    ((50097, 50187, 50155, 50129), "The device must authenticate, which is not possible this way.", _BROWSER),
    # Conditional access
    ((53000, 53001), "The tenant requires a managed, compliant device.", f"{_BROWSER}, on such a device."),
    ((530003,), "The tenant's policy requires a managed device, which is not possible with a device code.", _BROWSER),
    ((53003,), "The tenant's conditional access policy blocks this sign-in.", _POLICY),
    ((530032, 530034, 530035), "The tenant's security policy blocks this way to sign in.", _BROWSER),
    ((53002, 53004, 53011, 50131), "The tenant's policy blocks this sign-in: app, risk or location.", _POLICY),
    (
        (500021, 500022, 50002),
        "This network allows listed tenants only.",
        "Ask the administrator of the proxy to list the tenant.",
    ),
    ((500212, 500213), "The tenants' cross-tenant policies forbid this.", "Ask the administrators of both tenants."),
    # Device code
    ((70016,), "The sign-in is still waiting for the user.", "Enter the code on the page that was shown."),
    ((70018,), "The code was mistyped.", "Connect again, and enter the new code."),
    ((70019, 70020), "The code has expired.", "Connect again, and enter the new code in time."),
    ((90119, 90120), "The code was used or declined already.", "Connect again, and enter the new code."),
    # Renewal
    ((50173, 50132, 50133, 50089), "The sign-in was revoked, or the password changed.", _AGAIN),
    ((700082,), "The connection was not used for too long.", _AGAIN),
    (
        (700084,),
        "The connection has expired: apps of a web page last 24 hours.",
        f"{_PLATFORM} Then connect again: {{reconnect}}",
    ),
    ((70043,), "The tenant's policy requires another sign-in.", _AGAIN),
    ((700020,), "Interactive sign-in is required.", _AGAIN),
    (
        (50196,),
        "The same request was sent too often.",
        "Stop, wait a few minutes, and reuse the connection between runs.",
    ),
    # The service
    ((90055, 90033, 90006, 90024, 50033, 90012), "The token service is busy.", _LATER),
    ((90036, 50000), "The token service failed.", _SUPPORT),
    ((9002313, 900144, 90014, 90023, 90100), "The request was malformed or incomplete.", _REPORT),
)

# Remedy if the table sends a user to the browser, but an app signs in as itself.
FOR_APPS = (
    "Ask an administrator to check the app's permissions and the policies for workload identities. The sign-in log has "
    "this attempt under its correlation id."
)

# A web API can't ask the user; the app that called it can.
FOR_WEB_APIS = (
    "Answer the caller of the web API with status 401, and with the claims of this error if it has some, so that the "
    "user signs in again there."
)
FOR_WEB_APIS_WITHOUT_CONSENT = (
    "Let the user consent in the app that called the web API, or send this address to an administrator of the tenant: "
    "{consent}"
)

# By suberror of Entra, for numbers that the table does not contain.
BY_SUBERROR: dict[str, tuple[str, str]] = {
    "additional_action": (
        "The account needs attention before it can sign in.",
        f"{_BROWSER}; it says what is missing.",
    ),
    "bad_token": ("The sign-in was revoked.", _AGAIN),
    "basic_action": ("Interactive sign-in is required.", _BROWSER),
    "client_mismatch": ("The refresh token belongs to another app.", _AGAIN),
    "consent_required": ("The permissions that the app requests lack consent.", f"{_BROWSER}. {_OR_ADMIN}"),
    "device_authentication_failed": ("The device could not authenticate.", _BROWSER),
    "message_only": ("The tenant does not allow this sign-in.", f"{_BROWSER}; it shows why. {_POLICY}"),
    "protection_policy_required": ("The tenant requires a managed app.", _POLICY),
    "token_expired": ("The sign-in was too long ago.", _AGAIN),
    "user_password_expired": ("The password has expired.", "Change it in a browser. Then connect again: {reconnect}"),
}

# By OAuth 2.0 error, for numbers and suberrors that are not listed above.
BY_ERROR: dict[str, tuple[str, str]] = {
    "access_denied": ("The sign-in was cancelled or denied.", "Connect again, or ask an administrator of the tenant."),
    "account_selection_required": (
        "Several accounts are signed in in the browser.",
        "Connect again without `prompt='none'`.",
    ),
    "authorization_declined": ("The sign-in was declined on the other device.", "Connect again and approve it there."),
    "bad_verification_code": ("The service does not know the device code.", "Connect again for a new code."),
    "consent_required": ("The permissions that the app requests lack consent.", f"{_BROWSER}. {_OR_ADMIN}"),
    "expired_token": ("The code has expired.", "Connect again, and enter the new code in time."),
    "interaction_required": ("Interactive sign-in is required.", _BROWSER),
    "invalid_client": ("The app could not authenticate.", "Check client id, secret or certificate."),
    "invalid_grant": ("The credential or token is not valid, or not valid any more.", _AGAIN),
    "invalid_instance": ("The service does not know the authority.", "Check `cloud`."),
    "invalid_request": ("The service does not understand the request.", _REPORT),
    "invalid_resource": ("The resource does not exist in the tenant.", "Check the resource of the scope for typos."),
    "invalid_scope": ("A scope is not valid.", "Check the spelling of `scopes`."),
    "invalid_tenant": ("The tenant does not exist in this cloud.", "Check `tenant_id` and `cloud`."),
    "login_required": ("No account is signed in in the browser.", "Connect again without `prompt='none'`."),
    "server_error": ("The token service failed.", _SUPPORT),
    "slow_down": ("The service received too many requests.", _LATER),
    "temporarily_unavailable": ("The token service is busy.", _LATER),
    "unauthorized_client": ("The app is not allowed to do this.", _CLIENT),
    "unsupported_response_type": ("The app does not allow this response type.", _PLATFORM),
    "unsupported_grant_type": (
        "The service does not support this way to sign in.",
        "Use another one, or check `cloud`.",
    ),
}
