"""Steps of a sign-in, and assertions of an app."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller


def send(caller: Caller, page: httpx2.Response, **fields: str) -> httpx2.Response:
    """Send the form of a page with the given fields."""
    form = read(page.text).form
    assert form
    return caller.http.post(form.action, data=form.hidden | {"action": "go"} | fields, headers=caller.headers)


def at_password(caller: Caller, user: str = "normal", **changes: str) -> httpx2.Response:
    """Return the page that asks for the password."""
    page = caller.http.get(caller.authorize_url(**changes))
    return send(caller, page, loginfmt=getattr(caller.tenant.users, user).upn)


def signed_in(caller: Caller, user: str = "normal", **changes: str) -> httpx2.Response:
    """Return the page after the password."""
    return send(caller, at_password(caller, user, **changes), passwd=getattr(caller.tenant.users, user).password)


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters of a redirect."""
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def thumbprint(pem: str, algorithm: hashes.HashAlgorithm) -> str:
    """Return a thumbprint as headers contain it."""
    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(algorithm)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def assertion(
    caller: Caller,
    *,
    algorithm: str = "PS256",
    header: dict[str, str] | None = None,
    key: RSAPrivateKey | None = None,
    **changes: object,
) -> str:
    """Return an assertion of the confidential app; a claim changed to None is left out."""
    tenant, now = caller.tenant, caller.tenant.clock.now()
    claims: dict[str, object] = {
        "aud": f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token", "iss": tenant.confidential_client,
        "sub": tenant.confidential_client, "jti": str(uuid.uuid4()), "iat": int(now), "nbf": int(now),
        "exp": int(now) + 600,
    } | changes  # fmt: skip
    named = {"x5t#S256": thumbprint(tenant.certificate_pem, hashes.SHA256())} if header is None else header
    own = load_pem_private_key(tenant.private_key_pem.encode(), None)
    assert isinstance(own, RSAPrivateKey)
    signer = key or own
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, signer, algorithm, headers=named)


def prove(caller: Caller, text: str, **form: str) -> httpx2.Response:
    """Send a token request with an assertion."""
    return caller.app_token(client_secret="", client_assertion=text, client_assertion_type=TYPE, **form)
