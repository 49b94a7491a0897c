"""An outside issuer: a second server on loopback, which signs the tokens of jobs and services outside the tenant.

    /.well-known/openid-configuration    its metadata
    /keys                                its keys
    /github/idtoken                      GET, as GitHub Actions offers it to a job
    /azure-pipelines/oidctoken           POST, as Azure Pipelines offers it to a job

`github_actions()`, `azure_pipelines()`, `gitlab()`, `kubernetes()` and `terraform_cloud()` return the variables that
the host would set for a job.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Mapping  # noqa: TC003 read by get_type_hints
from typing import TYPE_CHECKING, NamedTuple, Self

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from entrakit_emulator import jose
from entrakit_emulator.server import Server
from entrakit_emulator.state.identities import TOKEN_EXCHANGE_URIS
from entrakit_emulator.state.keys import KeyRing, make_signing_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from starlette.types import Receive, Scope, Send

AUDIENCE = TOKEN_EXCHANGE_URIS[0]
# Methods that other processes may call by the control plane.
JOB_METHODS = ("sign", "github_actions", "azure_pipelines", "gitlab", "kubernetes", "terraform_cloud")
GITHUB, PIPELINES = "/github/idtoken", "/azure-pipelines/oidctoken"


class Job(NamedTuple):
    """A job that may request tokens.

    Args:
        path: Path of the endpoint.
        subject: Subject of its tokens.
        lifetime_s: Lifetime of its tokens, in seconds.
        service_connection_id: Service connection of Azure Pipelines; empty on other hosts.
    """

    path: str
    subject: str
    lifetime_s: float
    service_connection_id: str = ""


class OutsideIssuer:
    """A running issuer; `Tenant.add_issuer` creates one.

    Args:
        issuer: Issuer that its tokens name; its own address if empty.
        now: Function that returns the tenant's time.
        context: TLS context of the server.
        login: Origin of the tenant, for `AZURE_AUTHORITY_HOST`.
        tenant_id: Id of the tenant, for `AZURE_TENANT_ID`.

    Attributes:
        address: Origin of the server: `https://localhost:PORT`.
        issuer: Issuer that its tokens name.
        requests: Addresses of the requests of jobs for tokens, with their queries.
    """

    def __init__(
        self, issuer: str, *, now: Callable[[], float], context: ssl.SSLContext, login: str, tenant_id: str
    ) -> None:
        self._keys = KeyRing([make_signing_key()])
        self._now = now
        self._login = login
        self._tenant_id = tenant_id
        self._jobs: dict[str, Job] = {}
        self._failures: list[int] = []
        self.requests: list[str] = []
        self._directory = tempfile.mkdtemp(prefix="entra-emulator-issuer-")
        self._remove = weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        self._server = Server(0)
        self.address = f"https://localhost:{self._server.port}"
        self.issuer = issuer or self.address

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await self._answer(Request(scope, receive))(scope, receive, send)

        try:
            self._server.start(serve, context)
        except BaseException:
            self.stop()
            raise

    def __repr__(self) -> str:
        return f"OutsideIssuer(issuer={self.issuer!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def sign(
        self,
        subject: str,
        *,
        audience: str = AUDIENCE,
        issuer: str = "",
        lifetime_s: float = 600,
        claims: Mapping[str, object] | None = None,
        header: Mapping[str, object] | None = None,
    ) -> str:
        """Return a signed token.

        Args:
            subject: Subject (`sub`).
            audience: Audience (`aud`).
            issuer: Issuer (`iss`); that of this issuer if empty.
            lifetime_s: Seconds until the token expires, in the tenant's time; negative for an expired token.
            claims: Further claims; they replace those above.
            header: Further fields of the header; they replace `alg`, `typ` and `kid`.
        """
        now, key = int(self._now()), self._keys.active
        payload = {
            "iss": issuer or self.issuer, "sub": subject, "aud": audience, "jti": str(uuid.uuid4()),
            "iat": now, "nbf": now, "exp": int(now + lifetime_s),
        } | dict(claims or {})  # fmt: skip
        return jose.sign({"typ": "JWT", "alg": "RS256", "kid": key.kid} | dict(header or {}), payload, key.key)

    def rotate_keys(self) -> None:
        """Sign with a new key from now on, and keep publishing the old one."""
        self._keys.rotate(make_signing_key())

    def fail_next(self, *statuses: int) -> None:
        """Answer the next requests of jobs for tokens with these HTTP statuses, such as 429 or 503."""
        self._failures.extend(statuses)

    def github_actions(self, subject: str, *, lifetime_s: float = 600) -> dict[str, str]:
        """Return the variables of a job of GitHub Actions with the permission `id-token: write`.

        Args:
            subject: Subject, such as `repo:contoso/shop:ref:refs/heads/main`.
            lifetime_s: Lifetime of the job's tokens, in seconds.
        """
        token = self._add(Job(GITHUB, subject, lifetime_s))
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}{GITHUB}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token,
        }

    def azure_pipelines(self, subject: str, service_connection_id: str, *, lifetime_s: float = 600) -> dict[str, str]:
        """Return the variables of a job of Azure Pipelines, with the system's access token.

        Args:
            subject: Subject, such as `sc://contoso/shop/azure`.
            service_connection_id: Id of the service connection that requests must name.
            lifetime_s: Lifetime of the job's tokens, in seconds.
        """
        token = self._add(Job(PIPELINES, subject, lifetime_s, service_connection_id))
        return {
            "TF_BUILD": "True",
            "SYSTEM_OIDCREQUESTURI": f"{self.address}{PIPELINES}",
            "SYSTEM_ACCESSTOKEN": token,
        }

    def gitlab(
        self, subject: str, *, variable: str = "AZURE_ID_TOKEN", audience: str = AUDIENCE, lifetime_s: float = 600
    ) -> dict[str, str]:
        """Return the variables of a job of GitLab with a token under `id_tokens`.

        Args:
            subject: Subject, such as `project_path:contoso/shop:ref_type:branch:ref:main`.
            variable: Name that the job chose for its token.
            audience: Audience that the job chose.
            lifetime_s: Lifetime of the token, in seconds.
        """
        return {"GITLAB_CI": "true", variable: self.sign(subject, audience=audience, lifetime_s=lifetime_s)}

    def kubernetes(
        self, subject: str, client_id: str, *, audience: str = AUDIENCE, lifetime_s: float = 3600
    ) -> dict[str, str]:
        """Write a token to the file that Kubernetes projects, and return the variables of a pod.

        A second call replaces the token in the file in one step, as Kubernetes does before the old one expires.

        Args:
            subject: Subject, such as `system:serviceaccount:shop:api`.
            client_id: Client id of the app or managed identity.
            audience: Audience of the token.
            lifetime_s: Lifetime of the token, in seconds.
        """
        path = os.path.join(self._directory, "azure-identity-token")
        handle, temporary = tempfile.mkstemp(dir=self._directory)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(self.sign(subject, audience=audience, lifetime_s=lifetime_s))
        os.replace(temporary, path)
        return {
            "AZURE_CLIENT_ID": client_id,
            "AZURE_TENANT_ID": self._tenant_id,
            "AZURE_AUTHORITY_HOST": f"{self._login}/",
            "AZURE_FEDERATED_TOKEN_FILE": path,
        }

    def terraform_cloud(self, subject: str, *, audience: str = AUDIENCE, lifetime_s: float = 600) -> dict[str, str]:
        """Return the variables of a run of Terraform Cloud.

        Args:
            subject: Subject, such as `organization:contoso:project:shop:workspace:main:run_phase:plan`.
            audience: Audience, which the run's variable TFC_WORKLOAD_IDENTITY_AUDIENCE chose.
            lifetime_s: Lifetime of the token, in seconds.
        """
        return {"TFC_WORKLOAD_IDENTITY_TOKEN": self.sign(subject, audience=audience, lifetime_s=lifetime_s)}

    def stop(self) -> None:
        """Stop serving and remove the token file. A second call does nothing."""
        self._server.stop()
        self._remove()

    def _add(self, job: Job) -> str:
        """Return a new bearer token of a job."""
        token = secrets.token_urlsafe(48)
        self._jobs[token] = job
        return token

    def _answer(self, request: Request) -> Response:
        path, method = request.url.path, request.method
        if (method, path) == ("GET", "/.well-known/openid-configuration"):
            return JSONResponse(
                {
                    "issuer": self.issuer,
                    "jwks_uri": f"{self.address}/keys",
                    "response_types_supported": ["id_token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        if (method, path) == ("GET", "/keys"):
            return JSONResponse({"keys": self._keys.published(None)})
        if (method, path) in (("GET", GITHUB), ("POST", PIPELINES)):
            return self._token(request)
        return Response(f"{method} {path} does not exist.\n", 404, media_type="text/plain")

    def _token(self, request: Request) -> Response:
        """Answer a job that requests a token."""
        self.requests.append(f"{request.url.path}?{request.url.query}")
        if self._failures:
            status = self._failures.pop(0)
            return JSONResponse({"message": "A failure that the test chose."}, status, {"retry-after": "1"})
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        job = self._jobs.get(token) if scheme.lower() == "bearer" else None
        path, query = request.url.path, request.query_params
        if job is None or job.path != path:
            # Azure DevOps sends browsers to its sign-in page; clients suppress that by a header.
            suppressed = request.headers.get("x-tfs-fedauthredirect", "").lower() == "suppress"
            if path == PIPELINES and not suppressed:
                return RedirectResponse(f"{self.address}/_signin", 302)
            return JSONResponse({"message": "The token of the job is missing or unknown."}, 401)
        if path == GITHUB:
            # Without an audience, GitHub takes the address of the repository's owner.
            owner = job.subject.removeprefix("repo:").partition("/")[0]
            audience = query.get("audience") or f"https://github.com/{owner}"
            value = self.sign(job.subject, audience=audience, lifetime_s=job.lifetime_s)
            return JSONResponse({"count": len(value), "value": value})
        if not query.get("api-version"):
            return JSONResponse({"message": "No api-version was supplied."}, 400)
        if query.get("serviceConnectionId") != job.service_connection_id:
            return JSONResponse({"message": "The service connection does not exist, or the job may not use it."}, 404)
        return JSONResponse({"oidcToken": self.sign(job.subject, lifetime_s=job.lifetime_s)})
