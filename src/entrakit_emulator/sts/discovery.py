"""Metadata of the service: OpenID Connect discovery, keys, instances and user realm."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.sts import tenancy
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import Directory

HEADERS = {
    "cache-control": "max-age=86400, private",
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, OPTIONS",
}
CLAIMS = (
    "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host", "aud",
    "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
)  # fmt: skip
# Sign-in host, Graph host and instance name of the clouds that a seeded tenant may belong to.
CLOUDS = {
    "usgov": ("login.microsoftonline.us", "graph.microsoft.us", "microsoftonline.us"),
    "china": (
        "login.partner.microsoftonline.cn",
        "microsoftgraph.chinacloudapi.cn",
        "partner.microsoftonline.cn",
    ),
}
# The instances that every cloud lists; the first alias is the preferred network.
INSTANCES = (
    (
        "login.windows.net",
        ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ),
    (
        "login.partner.microsoftonline.cn",
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ),
    ("login.microsoftonline.de", ("login.microsoftonline.de",)),
    ("login.microsoftonline.us", ("login.microsoftonline.us", "login.usgovcloudapi.net")),
    ("login-us.microsoftonline.com", ("login-us.microsoftonline.com",)),
)


def configuration(exchange: Exchange) -> Response:
    """Answer GET /{tenant}/v2.0/.well-known/openid-configuration (OpenID Connect Discovery, 4).

    Raises:
        ServiceError: The tenant does not exist.
    """
    directory = tenancy.directory_of(exchange, unknown="invalid_tenant")
    origin, graph, instance = _hosts(exchange, directory)
    tenant = _tenant(exchange, directory)
    base = f"{origin}/{tenant}"
    return exchange.json(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{origin}/{directory.tenant_id if directory else '{tenantid}'}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{graph}/oidc/userinfo",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "claims_supported": list(CLAIMS),
            "kerberos_endpoint": f"{base}/kerberos",
            "tenant_region_scope": directory.region if directory else None,
            "cloud_instance_name": instance,
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": urlsplit(graph).netloc,
            "rbac_url": "https://pas.windows.net",
        },
        headers=HEADERS,
    )


def configuration_v1(exchange: Exchange) -> Response:
    """Answer GET /{tenant}/.well-known/openid-configuration, the older format with another issuer.

    Raises:
        ServiceError: The tenant does not exist.
    """
    directory = tenancy.directory_of(exchange, unknown="invalid_tenant")
    origin, graph, instance = _hosts(exchange, directory)
    base = f"{origin}/{_tenant(exchange, directory)}"
    return exchange.json(
        {
            "token_endpoint": f"{base}/oauth2/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{origin}/common/discovery/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
            "scopes_supported": ["openid"],
            "issuer": exchange.world.issuer(directory.tenant_id if directory else "{tenantid}", 1),
            "microsoft_multi_refresh_token": True,
            "authorization_endpoint": f"{base}/oauth2/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{base}/oauth2/logout",
            "claims_supported": list(CLAIMS[:9]),
            "check_session_iframe": f"{base}/oauth2/checksession",
            "userinfo_endpoint": f"{base}/openid/userinfo",
            "kerberos_endpoint": f"{base}/kerberos",
            "tenant_region_scope": directory.region if directory else None,
            "cloud_instance_name": instance,
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": urlsplit(graph).netloc,
            "rbac_url": "https://pas.windows.net",
        },
        headers=HEADERS,
    )


def keys(exchange: Exchange) -> Response:
    """Answer GET /{tenant}/discovery/v2.0/keys (RFC 7517, 5).

    Raises:
        ServiceError: The tenant does not exist.
    """
    directory = tenancy.directory_of(exchange, unknown="invalid_tenant")
    named = exchange.world.issuer(directory.tenant_id if directory else "{tenantid}", 2)
    return exchange.json({"keys": exchange.world.keys.published(named)}, headers=HEADERS)


def keys_v1(exchange: Exchange) -> Response:
    """Answer GET /{tenant}/discovery/keys: the same keys without an issuer.

    Raises:
        ServiceError: The tenant does not exist.
    """
    tenancy.directory_of(exchange, unknown="invalid_tenant")
    return exchange.json({"keys": exchange.world.keys.published(None)}, headers=HEADERS)


def instance(exchange: Exchange) -> Response:
    """Answer GET /common/discovery/instance: the hosts that are aliases of each other.

    Raises:
        ServiceError: The host is not a known one (AADSTS50049).
    """
    version, endpoint = (need(exchange.query, name) for name in ("api-version", "authorization_endpoint"))
    try:
        parts = urlsplit(endpoint)
    except ValueError as error:
        raise ServiceError(9002313) from error
    own = urlsplit(exchange.world.origin).netloc
    known = {alias for _, aliases in INSTANCES for alias in aliases}
    tenant = parts.path.strip("/").partition("/")[0]
    if parts.netloc not in (own, f"127.0.0.1:{own.rpartition(':')[2]}", *known):
        raise ServiceError(50049)
    metadata = [
        {"preferred_network": aliases[0], "preferred_cache": cache, "aliases": list(aliases)}
        for cache, aliases in (*INSTANCES, (own, (own,)))
    ]
    return exchange.json(
        {
            "tenant_discovery_endpoint": f"https://{parts.netloc}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": version,
            "metadata": metadata,
        },
        headers=HEADERS,
    )


def userrealm(exchange: Exchange) -> Response:
    """Answer GET /common/userrealm/{name}: the place where a user's password is checked.

    Raises:
        NotImplementedHereError: The api-version is not 1.0.
    """
    if exchange.query.get("api-version", "1.0") != "1.0":
        raise NotImplementedHereError(f"user realm, api-version {exchange.query['api-version']}")
    domain = exchange.path_parameters["name"].rpartition("@")[2].lower()
    directory = exchange.world.find_directory(domain) if domain else None
    if directory is None:
        return exchange.json({"ver": "1.0", "account_type": "Unknown"})
    realm: dict[str, object] = {
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": domain,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    if domain in directory.federated:
        realm |= {
            "account_type": "Federated",
            "federation_protocol": "WSTrust",
            "federation_metadata_url": f"https://sts.{domain}/adfs/services/trust/mex",
            "federation_active_auth_url": f"https://sts.{domain}/adfs/services/trust/2005/usernamemixed",
        }
    return exchange.json(realm)


def _tenant(exchange: Exchange, directory: Directory | None) -> str:
    """Return the tenant as endpoints name it: the id, whichever name was requested."""
    return directory.tenant_id if directory else exchange.tenant.lower()


def _hosts(exchange: Exchange, directory: Directory | None) -> tuple[str, str, str]:
    """Return the origin of sign-in, the origin of Graph and the instance name for a tenant."""
    if directory is None or directory.cloud == "global":
        return exchange.world.origin, exchange.world.origin, "microsoftonline.com"
    login, graph, name = CLOUDS[directory.cloud]
    return f"https://{login}", f"https://{graph}", name
