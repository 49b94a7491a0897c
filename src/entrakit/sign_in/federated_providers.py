"""Providers of assertions: hosts whose issuer gives each job, or each pod, a token.

    GitHub Actions, Azure DevOps     answer a request that the job's own token authorizes
    GitLab, Terraform Cloud          set a variable
    Kubernetes                       writes a file, and replaces it before the token expires

A provider is one row of `PROVIDERS`. Its function gets the variables of the host and returns the assertion that the
host has now; nothing is kept between two calls. The token of a job is sent to the address that its host names, over
https only, and no redirect is followed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from entrakit.errors import ParameterError, SignInError
from entrakit.http.address import Origin
from entrakit.http.failures import unavailable
from entrakit.http.retry import is_transient
from entrakit.redaction import MASK, redact
from entrakit.secret import Secret
from entrakit.shown_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit.http.message import Response
    from entrakit.http.transport import Transport

MAX_TOKEN = 64 * 1024
MAX_MESSAGE = 300
SERVICE_CONNECTION_VARIABLE = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"
# Audiences that the token service of a cloud accepts, as its portal and the SDKs of Azure have them.
_AUDIENCE = "api://AzureADTokenExchange"
_ENDINGS = {
    "usgov": "USGov", "usgov-dod": "USGov", "china": "China", "bleu": "France", "delos": "Germany", "govsg": "GovSG",
}  # fmt: skip


def audience_of(cloud: str) -> str:
    """Return the audience that an assertion for a cloud must have.

    Args:
        cloud: Name of the cloud, such as `usgov` or `global@localhost:8443`.
    """
    return _AUDIENCE + _ENDINGS.get(cloud.partition("@")[0], "")


class AssertionRequest(NamedTuple):
    """A request for an assertion.

    Args:
        audience: Audience that the assertion must have. Only GitHub lets the caller choose it.
        transport: Transport that sends a request to the host.
        environ: Environment variables.
        service_connection_id: Service connection of Azure DevOps; empty for other providers.
    """

    audience: str
    transport: Transport
    environ: Mapping[str, str]
    service_connection_id: str = ""


class TokenProvider(NamedTuple):
    """A host that gives assertions.

    Args:
        title: Its name in messages.
        variables: Variables that it sets. It is available if all of them have a value.
        assertion: Returns the assertion that it has now.
        advice: What to do if a variable is missing.
        secret: Variable whose value is a secret; empty if none is.
    """

    title: str
    variables: tuple[str, ...]
    assertion: Callable[[AssertionRequest], str]
    advice: str
    secret: str = ""

    def is_available(self, environ: Mapping[str, str]) -> bool:
        """Return whether all its variables have a value."""
        return all(environ.get(name) for name in self.variables)

    def ask(self, question: AssertionRequest) -> str:
        """Return the assertion that the host has now, unchecked.

        Raises:
            SignInError: A variable is missing, or the host refuses.
            MissingAssertionError: A file can't be read.
            NetworkError: The host did not answer.
        """
        missing = [name for name in self.variables if not question.environ.get(name)]
        if missing:
            verb = "has no value" if len(missing) == 1 else "have no values"
            raise SignInError(
                f"{self.title} gives no token here: {' and '.join(missing)} {verb}.",
                remedy=self.advice,
                error="invalid_client",
            )
        return self.assertion(question)


class MissingAssertionError(ParameterError, SignInError):
    """The file or variable that the caller named has no assertion. The exit code is that of any wrong name."""


def read_file(path: str) -> str:
    """Return the content of a file with a token. Raises MissingAssertionError if it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_TOKEN + 1).decode("utf-8", "replace")
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise MissingAssertionError(
            f"The token can't be read from {path!r}: {reason}.",
            remedy="Check the path, and that this user may read the file.",
        ) from error


def _github(question: AssertionRequest) -> str:
    """Request a token for the audience (GitHub, "OpenID Connect reference", methods for requesting the OIDC token)."""
    url = question.environ["ACTIONS_ID_TOKEN_REQUEST_URL"]
    url = f"{url}{'&' if '?' in url else '?'}audience={quote(question.audience, safe='')}"
    headers = _authorized("ACTIONS_ID_TOKEN_REQUEST_TOKEN", question)
    return _field("value", "GitHub Actions", _sent("GET", url, headers, question))


def _azure_devops(question: AssertionRequest) -> str:
    """Request a token of a service connection (Azure DevOps REST API, "Oidctoken - Create")."""
    base = question.environ["SYSTEM_OIDCREQUESTURI"].rstrip("/")
    url = f"{base}?api-version=7.1&serviceConnectionId={quote(question.service_connection_id, safe='')}"
    # Otherwise a request that is refused would be redirected to a sign-in page.
    headers = {"content-type": "application/json", "x-tfs-fedauthredirect": "Suppress"}
    answer = _sent("POST", url, headers | _authorized("SYSTEM_ACCESSTOKEN", question), question)
    return _field("oidcToken", "Azure DevOps", answer)


def _authorized(variable: str, question: AssertionRequest) -> dict[str, str]:
    """Return the header with the job's token."""
    return {"authorization": f"Bearer {Secret.from_env(variable, question.environ).reveal()}"}


def _sent(method: str, url: str, headers: Mapping[str, str], question: AssertionRequest) -> Response:
    """Send a request with the job's token, and return the answer."""
    if Origin.of(url) is None:
        raise SignInError(
            "The address that this host names for token requests is not an https address.",
            remedy="The token of the job is sent over https only. Check the variables of the host.",
            error="invalid_client",
        )
    body = b"" if method == "POST" else None
    return question.transport.send(method, url, headers={"accept": "application/json", **headers}, body=body)


def _field(name: str, title: str, answer: Response) -> str:
    """Return a member of an answer in JSON; empty if it has none."""
    if is_transient(answer.status, is_repeatable=True):
        raise unavailable(answer)
    if not answer.is_success:
        said = _message(answer)
        raise SignInError(
            f"{title} refused to give a token (HTTP {answer.status}){f': {said}' if said else '.'}",
            remedy="Check the permissions of the job; in Azure DevOps, whether it may use the service connection.",
            error="invalid_client",
        )
    return _member(name, answer)


def _member(name: str, answer: Response) -> str:
    """Return a string in the JSON object of an answer; empty if it has none."""
    try:
        found = json.loads(answer.text)
    except (ValueError, RecursionError):
        found = None
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _message(answer: Response) -> str:
    """Return the reason that a host gives for a refusal, without the token of the job; empty if it gives none."""
    token = answer.request.headers["authorization"].removeprefix("Bearer ")
    return one_line(redact(_member("message", answer).replace(token, MASK)), MAX_MESSAGE).strip()


def _variable(name: str) -> Callable[[AssertionRequest], str]:
    """Return the function of a provider that sets a variable."""
    return lambda question: Secret.from_env(name, question.environ).reveal()


PROVIDERS = {
    "github": TokenProvider(
        "GitHub Actions",
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        _github,
        "Run it in a job that has the permission 'id-token: write'.",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ),
    "azure-devops": TokenProvider(
        "Azure DevOps",
        ("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
        _azure_devops,
        "Run it in a pipeline, and pass the token of the job: 'SYSTEM_ACCESSTOKEN: $(System.AccessToken)' under 'env'.",
        "SYSTEM_ACCESSTOKEN",
    ),
    "gitlab": TokenProvider(
        "GitLab",
        ("GITLAB_OIDC_TOKEN",),
        _variable("GITLAB_OIDC_TOKEN"),
        "Add GITLAB_OIDC_TOKEN to the 'id_tokens' of the job, with the audience of the cloud.",
        "GITLAB_OIDC_TOKEN",
    ),
    "terraform": TokenProvider(
        "Terraform Cloud",
        ("TFC_WORKLOAD_IDENTITY_TOKEN",),
        _variable("TFC_WORKLOAD_IDENTITY_TOKEN"),
        "Set TFC_WORKLOAD_IDENTITY_AUDIENCE in the workspace to the audience of the cloud.",
        "TFC_WORKLOAD_IDENTITY_TOKEN",
    ),
    "kubernetes": TokenProvider(
        "Kubernetes",
        ("AZURE_FEDERATED_TOKEN_FILE",),
        lambda question: read_file(question.environ["AZURE_FEDERATED_TOKEN_FILE"]),
        "Label the pod with 'azure.workload.identity/use: \"true\"', and check its service account.",
    ),
}


def find_provider(name: str) -> str:
    """Return the name of a provider as `PROVIDERS` has it. Raises ParameterError if it does not exist."""
    found = name.strip().lower().replace("_", "-")
    if found not in PROVIDERS:
        raise ParameterError(
            f"There is no provider of tokens called {name!r}.",
            remedy=f"Use {', '.join(PROVIDERS)} or managed-identity, or name a file, a variable or a program.",
        )
    return found


def assertion_from(origin: Mapping[str, object]) -> str:
    """Return the source of the secret of an assertion, as `Secret.origin` describes it; `env:` if there is none.

    Args:
        origin: Saved form of the source of a credential.
    """
    provider = PROVIDERS.get(str(origin.get("provider", "")))
    return f"env:{provider.secret if provider else origin.get('variable', '')}"


def first_provider(environ: Mapping[str, str]) -> str:
    """Return the name of the first available provider; empty if there is none."""
    return next((name for name, one in PROVIDERS.items() if one.is_available(environ)), "")


def none_available() -> SignInError:
    """Return the error for a host that is not a provider."""
    sought = "; ".join(f"{one.title}: {' and '.join(one.variables)}" for one in PROVIDERS.values())
    return SignInError(
        f"No provider of tokens is available. These variables have no value: {sought}.",
        remedy="Name the provider, which explains what is missing: `federated='github'`.",
        error="invalid_client",
    )
