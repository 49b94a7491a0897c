"""A tenant for its own tests, and a client that implements the protocol without code of any library."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from entrakit_emulator import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant
    from entrakit_emulator.useragent import Person

# A redirect URI that is not on loopback: a `Person` stops there, and the answer can be read from its address.
NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
GRAPH_DEFAULT = "https://graph.microsoft.com/.default"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Caller:
    """A client of a tenant.

    Args:
        tenant: The tenant.

    Attributes:
        tenant: The tenant.
        http: HTTP client that trusts the tenant and follows no redirects.
        verifier: PKCE code verifier of all requests.
        headers: Additional headers of posts.
    """

    native = NATIVE

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.headers: dict[str, str] = {}
        self.verifier = secrets.token_urlsafe(48)
        self.http = httpx2.Client(
            base_url=tenant.url,
            verify=ssl.create_default_context(cafile=tenant.ca_path),
            headers={"client-request-id": "11111111-2222-4333-8444-555555555555"},
            trust_env=False,
        )

    def post(self, path: str, form: dict[str, str], *, at: str = "") -> httpx2.Response:
        """Post a form to a path below the tenant, or below another tenant."""
        return self.http.post(f"/{at or self.tenant.tenant_id}{path}", data=form, headers=self.headers)

    def token(self, grant_type: str = "", *, at: str = "", **form: str) -> httpx2.Response:
        """Send a token request to the tenant, or to another tenant."""
        given = {"client_id": self.tenant.public_client, "grant_type": grant_type, **form}
        kept = {name: value for name, value in given.items() if value}
        return self.post("/oauth2/v2.0/token", kept, at=at)

    def app_token(self, **form: str) -> httpx2.Response:
        """Send a token request of the confidential app, with its secret."""
        given = {
            "client_id": self.tenant.confidential_client,
            "client_secret": self.tenant.client_secret,
            "scope": GRAPH_DEFAULT,
        }
        return self.token("client_credentials", **(given | form))

    def password(self, user: str = "normal", **form: str) -> httpx2.Response:
        """Send a token request for a seeded user, with name and password."""
        one = getattr(self.tenant.users, user)
        given = {"username": one.upn, "password": one.password, "scope": "User.Read openid profile offline_access"}
        return self.token("password", **(given | form))

    def person_token(self, **form: str) -> str:
        """Return an access token of a seeded user, by name and password."""
        token: str = self.password(**form).json()["access_token"]
        return token

    def authorize_url(self, *, at: str = "", **changes: str) -> str:
        """Return the URL of an authorization request; a parameter changed to "" is left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        given = {
            "client_id": self.tenant.public_client,
            "response_type": "code",
            "redirect_uri": NATIVE,
            "scope": "User.Read openid profile offline_access",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changes
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{self.tenant.url}/{at or self.tenant.tenant_id}/oauth2/v2.0/authorize?{query}"

    def answer(self, person: Person | None = None, **changes: str) -> dict[str, str]:
        """Sign a user in, and return the answer at the redirect URI."""
        page = (person or self.tenant.person()).visit(self.authorize_url(**changes))
        assert page.status == 0, page.text
        return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}

    def code(self, person: Person | None = None, **changes: str) -> str:
        """Sign a user in, and return the code."""
        return self.answer(person, **changes)["code"]

    def redeem(self, code: str, **form: str) -> httpx2.Response:
        """Redeem a code."""
        given = {"code": code, "redirect_uri": NATIVE, "code_verifier": self.verifier, "client_info": "1"}
        return self.token("authorization_code", **(given | form))

    def device(self, **form: str) -> dict[str, Any]:
        """Request a device code."""
        given = {"client_id": self.tenant.public_client, "scope": "User.Read openid profile offline_access"}
        response = self.post("/oauth2/v2.0/devicecode", given | form)
        answer: dict[str, Any] = response.json()
        return answer

    def poll(self, device_code: str, **form: str) -> httpx2.Response:
        """Poll for the tokens of a device."""
        return self.token(DEVICE_GRANT, device_code=device_code, **form)

    def graph(self, token: str, path: str = "/v1.0/me") -> httpx2.Response:
        """Send a GET to Graph."""
        return self.http.get(path, headers={"Authorization": f"Bearer {token}".strip()})

    def vault_token(self, **form: str) -> str:
        """Return an access token of the app with access to the key vault."""
        given = {
            "client_id": self.tenant.vault_client,
            "client_secret": self.tenant.vault_client_secret,
            "scope": "https://vault.azure.net/.default",
        }
        token: str = self.token("client_credentials", **(given | form)).json()["access_token"]
        return token

    def vault(
        self, path: str, *, token: str | None = None, method: str = "GET", version: str = "7.5", body: object = None
    ) -> httpx2.Response:
        """Send a request to the seeded key vault, or to a path from the root; by default with an accepted token."""
        bearer = self.vault_token() if token is None else token
        return self.http.request(
            method,
            path if path.startswith("/") else f"/keyvault/contoso/{path}",
            params={"api-version": version} if version else {},
            headers={"Authorization": f"Bearer {bearer}"} if bearer else {},
            content=body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode(),
        )

    def vault_sign(self, name: str, algorithm: str = "RS256", digest: bytes = bytes(32)) -> httpx2.Response:
        """Sign a digest with a key of the seeded key vault."""
        value = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return self.vault(f"keys/{name}/sign", method="POST", body={"alg": algorithm, "value": value})

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token, unverified."""
        payload = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def control(self, method: str, name: str, value: object = None) -> httpx2.Response:
        """Send a request to the control plane."""
        content = None if value is None else json.dumps(value)
        headers = {"X-Emulator-Key": self.tenant.control_key}
        return self.http.request(method, f"/_emulator/{name}", content=content, headers=headers)


class Landing:
    """A loopback redirect that records requests and answers with a page."""

    page = "<h1>Thank you</h1>"

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        landing = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._take(self.path.partition("?")[2])

            def do_POST(self) -> None:
                self._take(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _take(self, text: str) -> None:
                landing.came.append((self.command, dict(self.headers), parse_qs(text)))
                body = landing.page.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[Tenant]:
    """The one server of the run."""
    with start() as tenant:
        yield tenant


@pytest.fixture
def tenant(emulator: Tenant) -> Iterator[Tenant]:
    """A tenant in its first state."""
    emulator.reset()
    yield emulator
    emulator.reset()


@pytest.fixture
def caller(tenant: Tenant) -> Iterator[Caller]:
    """A client of the tenant."""
    one = Caller(tenant)
    yield one
    one.http.close()


@pytest.fixture
def landing() -> Iterator[Landing]:
    """A loopback redirect."""
    one = Landing()
    yield one
    one.close()
