"""The API of Azure Key Vault (REST reference, api-version 7.4 and 7.5), below `/keyvault/{vault}`.

version  api-version
token    signature, issuer, audience, lifetime, revocation, tenant of the key vault
right    access policy of the key vault
answer   get a key, certificate or secret; list versions; sign

The origin itself is also an address of the key vault `contoso`: the official SDKs parse ids and accept only
`https://host/{kind}/{name}/{version}`, without a path before the kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from entrakit_emulator.bearer import BearerError, Flaw, claims_challenge, claims_of
from entrakit_emulator.contoso import KEY_VAULT, KEY_VAULT_APP, TENANT_ID
from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.key_vault import bodies, signing
from entrakit_emulator.key_vault.errors import KeyVaultError
from entrakit_emulator.state.key_vault import KeyVaultCertificate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.key_vault import KeyVault, KeyVaultSecret

RESOURCE = "https://vault.azure.net"
AUDIENCES = (RESOURCE, KEY_VAULT_APP)
VERSIONS = ("7.4", "7.5")
KINDS = {"keys": "Key", "certificates": "Certificate", "secrets": "Secret"}
# Fixed words of addresses that only the real service has. They are not names or versions.
OTHERS = frozenset({"contacts", "issuers", "pending", "policy", "rotationpolicy"})
PREFIX = "/keyvault/"


def answer(exchange: Exchange) -> Response:
    """Answer a request to a key vault; errors in Key Vault's own form."""
    vault = _vault(exchange)
    if vault is None:
        exchange.error = "not_found"
        # In the real service, the host name of an unknown key vault can't be resolved.
        return Response("This tenant has no key vault with that name.\n", 404, media_type="text/plain")
    url, path = exchange.world.origin, exchange.path
    if "vault" in exchange.path_parameters:
        url, path = f"{url}{PREFIX}{vault.name}", exchange.path_parameters["path"]
    try:
        # Like the service, ignore empty segments: SDKs send `keys/{name}/` for the newest version.
        body = _answer(exchange, vault, url, [_known(segment) for segment in path.split("/") if segment])
    except KeyVaultError as error:
        return error_response(exchange, error)
    return exchange.json(body, headers=_headers(exchange))


def error_response(exchange: Exchange, error: KeyVaultError) -> Response:
    """Return the response for an error in Key Vault's form."""
    exchange.error = error.code
    return exchange.json(error.body(), error.status, _headers(exchange) | error.headers)


def challenge(exchange: Exchange, claims: str = "") -> KeyVaultError:
    """Return the error that requests a newer or stronger token (continuous access evaluation).

    Args:
        exchange: The request.
        claims: Claims to request, JSON text; empty for "issued from now on".
    """
    vault = _vault(exchange)
    text = "The access token was issued before the revocation or lacks claims. Get a new one."
    return _unauthorized(exchange, vault.tenant_id if vault else TENANT_ID, text, claims_challenge(exchange, claims))


def _known(segment: str) -> str:
    """Return a segment with the fixed words of the API in lower case; the service accepts them in any case."""
    return segment.lower() if segment.lower() in (*KINDS, "versions", "sign", *OTHERS) else segment


def _vault(exchange: Exchange) -> KeyVault | None:
    """Return the key vault that a request is for."""
    return exchange.world.key_vaults.get(exchange.path_parameters.get("vault", KEY_VAULT).lower())


def _answer(exchange: Exchange, vault: KeyVault, url: str, path: Sequence[str]) -> dict[str, object]:
    _check_version(exchange)
    claims = _token(exchange, vault)
    match exchange.method, path:
        case "POST", ["keys", name, "sign"]:
            return _sign(exchange, vault, claims, bodies.ObjectAddress(url, name))
        case "POST", ["keys", name, version, "sign"]:
            return _sign(exchange, vault, claims, bodies.ObjectAddress(url, name), version)
        case "GET", [kind, name, "versions"] if kind in KINDS:
            _allow(vault, claims, kind, "list")
            at = bodies.ObjectAddress(url, name)
            return {"value": [bodies.item(kind, at, one) for one in _versions(vault, kind, name)], "nextLink": None}
        case "GET", [kind, name, *version] if kind in KINDS and len(version) < 2 and OTHERS.isdisjoint(path):
            return _get(vault, claims, bodies.ObjectAddress(url, name), kind, "".join(version))
        case _:
            raise NotImplementedHereError(f"Key Vault's {exchange.method} /{'/'.join(path[:1])} of that form")


def _check_version(exchange: Exchange) -> None:
    """Check `api-version`. A request without it is refused before its token is checked.

    Raises:
        KeyVaultError: The api-version is missing or unknown.
    """
    version = exchange.query.get("api-version")
    if version is None:
        raise KeyVaultError(400, "BadParameter", "api-version must be specified")
    if version not in VERSIONS:
        text = f"The specified version ({version}) is not recognized. Consider using the latest supported version "
        raise KeyVaultError(400, "BadParameter", f"{text}({VERSIONS[-1]}).")


def _token(exchange: Exchange, vault: KeyVault) -> Mapping[str, object]:
    """Return the checked claims of a request's access token.

    Raises:
        KeyVaultError: The token is missing or not acceptable.
    """
    try:
        claims = claims_of(exchange, lambda audience: audience in AUDIENCES)
        if claims.get("tid") != vault.tenant_id:
            raise BearerError(Flaw.ISSUER, claims)
    except BearerError as error:
        if error.flaw is Flaw.REVOKED:
            raise challenge(exchange) from error
        raise _unauthorized(exchange, vault.tenant_id, _text(error, vault)) from error
    return claims


def _text(error: BearerError, vault: KeyVault) -> str:
    """Return Key Vault's message about a token."""
    found = error.claims.get({Flaw.AUDIENCE: "aud", Flaw.ISSUER: "iss"}.get(error.flaw, ""))
    return {
        Flaw.MISSING: "AKV10000: Request is missing a Bearer or PoP token.",
        Flaw.MALFORMED: "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'.",
        Flaw.SIGNATURE: "AKV10046: Unable to resolve the key used for signature validation.",
        Flaw.EXPIRED: "[TokenExpired] Error validating token: 'S2S12086'.",
        Flaw.NOT_YET_VALID: "[TokenNotYetValid] Error validating token: 'S2S12086'.",
        Flaw.AUDIENCE: f"AKV10022: Invalid audience. Expected {' or '.join(AUDIENCES)}, found: {found}.",
        Flaw.ISSUER: "AKV10032: Invalid issuer. Expected one of "
        f"https://sts.windows.net/{vault.tenant_id}/, found {found}.",
    }[error.flaw]


def _allow(vault: KeyVault, claims: Mapping[str, object], kind: str, operation: str) -> None:
    """Check that the access policy allows an operation.

    Raises:
        KeyVaultError: The access policy does not allow the operation.
    """
    if f"{kind}/{operation}" in vault.access.get(str(claims.get("oid")), ()):
        return
    caller = f"appid={claims.get('appid')};oid={claims.get('oid')};iss={claims.get('iss')}"
    text = (
        f"The user, group or application '{caller}' does not have {kind} {operation} permission on key vault "
        f"'{vault.name};location=westeurope'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287"
    )
    raise KeyVaultError(403, "Forbidden", text, "ForbiddenByPolicy")


def _versions(vault: KeyVault, kind: str, name: str) -> Sequence[KeyVaultCertificate | KeyVaultSecret]:
    """Return the versions of an object, newest last; empty if the object does not exist.

    A certificate is also a key and a secret.
    """
    lowered = name.lower()
    found: Sequence[KeyVaultCertificate | KeyVaultSecret] = vault.certificates.get(lowered, ())
    return found or (vault.secrets.get(lowered, ()) if kind == "secrets" else ())


def _find(vault: KeyVault, kind: str, name: str, version: str, operation: str) -> KeyVaultCertificate | KeyVaultSecret:
    """Return a version of an object; the newest one for an empty version.

    Raises:
        KeyVaultError: The version does not exist or is disabled.
    """
    noun = KINDS[kind]
    fitting = [one for one in _versions(vault, kind, name) if version in ("", one.version)]
    if not fitting:
        text = (
            f"A {noun.lower()} with (name/id) {'/'.join(part for part in (name, version) if part)} was not found in "
            f"this key vault. If you recently deleted this {noun.lower()} you may be able to recover it using the "
            "correct recovery command. For help resolving this issue, please see "
            "https://go.microsoft.com/fwlink/?linkid=2125182"
        )
        raise KeyVaultError(404, f"{noun}NotFound", text)
    if not fitting[-1].is_enabled:
        text = f"Operation {operation} is not allowed on a disabled {noun.lower()}."
        raise KeyVaultError(403, "Forbidden", text, f"{noun}Disabled")
    return fitting[-1]


def _get(
    vault: KeyVault, claims: Mapping[str, object], at: bodies.ObjectAddress, kind: str, version: str
) -> dict[str, object]:
    _allow(vault, claims, kind, "get")
    one = _find(vault, kind, at.name, version, "get")
    if kind == "secrets" or not isinstance(one, KeyVaultCertificate):
        return bodies.secret(at, one)
    return bodies.key(at, one) if kind == "keys" else bodies.certificate(at, one)


def _sign(
    exchange: Exchange, vault: KeyVault, claims: Mapping[str, object], at: bodies.ObjectAddress, version: str = ""
) -> dict[str, object]:
    _allow(vault, claims, "keys", "sign")
    one = _find(vault, "keys", at.name, version, "sign")
    assert isinstance(one, KeyVaultCertificate)  # noqa: S101 only certificates have keys
    kid = at.of("keys", one.version)
    if not one.not_before <= exchange.now < one.not_after:
        text = "Operation sign is not allowed on a key that is not yet valid or has expired."
        raise KeyVaultError(403, "Forbidden", text, "KeyNotYetValidOrExpired")
    return {"kid": kid, "value": signing.sign(exchange.body, one.key, kid)}


def _unauthorized(exchange: Exchange, tenant_id: str, message: str, extra: str = "") -> KeyVaultError:
    value = f'Bearer authorization="{exchange.world.origin}/{tenant_id}", resource="{RESOURCE}"{extra}'
    return KeyVaultError(401, "Unauthorized", message, headers={"www-authenticate": value})


def _headers(exchange: Exchange) -> dict[str, str]:
    named = exchange.headers.get("x-ms-client-request-id", "")
    return {
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "expires": "-1",
        **({"x-ms-client-request-id": named} if named else {}),
        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
        "x-ms-keyvault-region": "westeurope",
        "x-ms-keyvault-service-version": "1.9.0.0",
        "x-ms-request-id": exchange.trace_id,
    }
