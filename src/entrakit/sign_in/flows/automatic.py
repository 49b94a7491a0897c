"""The first available way to sign in that needs no user.

    environment          the variables of the Azure SDKs: client secret, certificate, or user name and password
    workload identity    the token file of Kubernetes
    managed identity     of the host
    saved connection     the current one
    Azure CLI, Azure PowerShell, Azure Developer CLI

The first two are passed over only if a variable is missing. If they exist but are refused, that is the error: another
way could be another account. The connection is one of the way that was chosen, so renewals do not choose again.

`AZURE_TOKEN_CREDENTIALS` narrows the choice, as in the Azure SDKs: `prod` (the first three), `dev` (the others), or
the name of one credential of the SDKs.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from entrakit.authority.tenants import parse_client_id
from entrakit.errors import EntraError, InteractionRequiredError, NetworkError, ParameterError, SignInError
from entrakit.secret import Secret, UsernamePassword
from entrakit.sign_in.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from entrakit.sign_in.flow import SignIn

VARIABLE = "AZURE_TOKEN_CREDENTIALS"
_CLIENT, _TENANT = "AZURE_CLIENT_ID", "AZURE_TENANT_ID"
_SECRET, _PATH = "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"
_PASSWORD_OF_FILE, _CHAIN = "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"
_USERNAME, _PASSWORD, _TOKEN_FILE = "AZURE_USERNAME", "AZURE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE"

# Failures of a way that leave the others as they are.
_TOLERATED = (SignInError, NetworkError)
# A tool may be unable to get a token with the scopes or the tenant that the caller names; another one may be able.
_OF_TOOLS = (*_TOLERATED, ParameterError)

log = logging.getLogger("entrakit")
T = TypeVar("T")


class Place(NamedTuple):
    """A place where a way to sign in can be found.

    Args:
        title: Its name, for messages.
        credential: Its name in `AZURE_TOKEN_CREDENTIALS`; empty if the Azure SDKs do not have it.
        is_of_service: Whether it belongs to `prod`; else it belongs to `dev`.
        is_certain: Whether a refusal ends the search.
    """

    title: str
    credential: str
    is_of_service: bool
    is_certain: bool = False


ENVIRONMENT = Place("the environment", "EnvironmentCredential", is_of_service=True, is_certain=True)
WORKLOAD = Place("workload identity", "WorkloadIdentityCredential", is_of_service=True, is_certain=True)
IDENTITY = Place("managed identity", "ManagedIdentityCredential", is_of_service=True)
SAVED = Place("the current connection", "", is_of_service=False)
TOOLS = {
    "azure_cli": Place("Azure CLI", "AzureCliCredential", is_of_service=False),
    "azure_powershell": Place("Azure PowerShell", "AzurePowerShellCredential", is_of_service=False),
    "azd": Place("Azure Developer CLI", "AzureDeveloperCliCredential", is_of_service=False),
}
PLACES = (ENVIRONMENT, WORKLOAD, IDENTITY, SAVED, *TOOLS.values())


class Candidate(NamedTuple):
    """The content of a place.

    Args:
        how: The way to sign in; None if the place has none, or for the saved connection.
        reason: Why the place has none, as the end of a sentence; empty if it has one.
        client_id: The app; empty for that of the way.
        tenant_id: The tenant; empty for that of the way.
    """

    how: Flow | None
    reason: str = ""
    client_id: str = ""
    tenant_id: str = ""


class Automatic(Flow):
    """The first available way. It only chooses: `choose` signs in with another way.

    Args:
        client_id: App to use instead of the one that `AZURE_CLIENT_ID` names; empty for that one.
        tenant_id: Tenant to use instead of the one that `AZURE_TENANT_ID` names; empty for that one.
        on_passed_over: Called with each place that was passed over and the reason; the default logs both.
    """

    __slots__ = ("_app", "_on_passed_over", "_tenant")

    name = "automatic"
    is_choice = True
    needs_ids = False
    _app: str
    _tenant: str
    _on_passed_over: Callable[[str, str], None] | None

    def __init__(
        self, *, client_id: str = "", tenant_id: str = "", on_passed_over: Callable[[str, str], None] | None = None
    ) -> None:
        put = object.__setattr__
        put(self, "_app", client_id)
        put(self, "_tenant", tenant_id)
        put(self, "_on_passed_over", on_passed_over)

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `automatic`."""
        return cls(
            client_id=given.get("client_id") or "",
            tenant_id=given.get("tenant_id") or "",
            on_passed_over=given.get("on_passed_over"),
        )

    def choose(self, sign_in: SignIn[T], saved: Callable[[], T], environ: Mapping[str, str] = os.environ) -> T:
        """Sign in with the first available way, and return the connection.

        Args:
            sign_in: Signs in with a way.
            saved: Returns the current saved connection, if it can give a token.
            environ: Environment variables.

        Raises:
            InteractionRequiredError: No place has a way that works; the error names each place with the reason.
            ParameterError: A variable is invalid.
            EntraError: The environment or the workload identity exists, but was refused; as for `connect()`.
        """
        passed_over: list[str] = []
        for place in places_of(environ):
            found = self._found(place, environ)
            reason = found.reason
            if not reason:
                try:
                    connection = _connected(found, sign_in, saved)
                except EntraError as error:
                    tolerated = EntraError if place is SAVED else _OF_TOOLS if place in TOOLS.values() else _TOLERATED
                    if place.is_certain or not isinstance(error, tolerated):
                        raise
                    reason = error.problem
                else:
                    log.info("The connection was made with %s.", place.title)
                    return connection
            self._pass_over(place.title, reason)
            passed_over.append(f"{place.title}: {reason}")
        raise InteractionRequiredError(
            "No way to sign in without a user was found here.\n  " + "\n  ".join(passed_over),
            remedy=f"Set {_CLIENT}, {_TENANT} and {_SECRET}, sign in to a tool of Azure, or select a way: "
            "`browser=True`.",
            error="interaction_required",
        )

    def _pass_over(self, title: str, reason: str) -> None:
        if self._on_passed_over is None:
            log.info("Passed over: %s: %s", title, reason)
        else:
            self._on_passed_over(title, reason)

    def _found(self, place: Place, environ: Mapping[str, str]) -> Candidate:
        """Return the content of a place. The tools are asked later, when they have to give a token."""
        app, tenant = self._app or environ.get(_CLIENT, ""), self._tenant or environ.get(_TENANT, "")
        if place is ENVIRONMENT:
            return _in_environment(app, tenant, environ)
        if place is WORKLOAD:
            return _workload_identity(app, tenant, environ)
        if place is IDENTITY:
            from entrakit.sign_in.flows.managed_identity import ManagedIdentity

            return Candidate(ManagedIdentity(parse_client_id(app) if app else True))
        if place is SAVED:
            return Candidate(None)
        from entrakit.sign_in.flows.azure_tool import AzureTool

        tool = next(name for name, one in TOOLS.items() if one is place)
        return Candidate(AzureTool(tool), tenant_id=tenant)


FLOW = Automatic


def _connected(found: Candidate, sign_in: SignIn[T], saved: Callable[[], T]) -> T:
    if found.how is None:
        return saved()
    return sign_in(found.how, client_id=found.client_id, tenant_id=found.tenant_id)


def places_of(environ: Mapping[str, str]) -> list[Place]:
    """Return the places to look at, in their order.

    Args:
        environ: Environment variables; `AZURE_TOKEN_CREDENTIALS` narrows the choice.

    Raises:
        ParameterError: The variable has another value than the Azure SDKs accept, or names a credential that needs a
            user or another program.
    """
    wanted = environ.get(VARIABLE, "").strip().lower()
    if not wanted:
        return list(PLACES)
    if wanted in ("prod", "dev"):
        return [place for place in PLACES if place.is_of_service == (wanted == "prod")]
    found = [place for place in PLACES if place.credential.lower() == wanted]
    if not found:
        names = ", ".join(place.credential for place in PLACES if place.credential)
        raise ParameterError(
            f"{VARIABLE} has the value {environ[VARIABLE]!r}, which can't be used here.",
            remedy=f"Use prod, dev or one of these: {names}; or unset the variable.",
        )
    return found


def _in_environment(app: str, tenant: str, environ: Mapping[str, str]) -> Candidate:
    """Return the way of the variables that `EnvironmentCredential` of the Azure SDKs reads.

    Raises:
        ParameterError: A variable is set, but empty, as a pipeline passes a secret that does not exist.
        CertificateError: The certificate can't be read.
    """
    credentials = (_SECRET, _PATH, _PASSWORD)
    if not any(environ.get(name) for name in (*credentials, _TOKEN_FILE)):
        _refuse_empty((*credentials, _TOKEN_FILE), environ)
    if not any(environ.get(name) for name in credentials):
        return Candidate(None, f"{_SECRET}, {_PATH} and {_PASSWORD} are not set.")
    is_user = not environ.get(_SECRET) and not environ.get(_PATH)
    needed = {_CLIENT: app, _USERNAME: environ.get(_USERNAME)} if is_user else {_CLIENT: app, _TENANT: tenant}
    reason = _missing(needed)
    if reason:
        _refuse_empty([name for name, value in needed.items() if not value], environ)
        return Candidate(None, reason)
    if environ.get(_SECRET):
        from entrakit.sign_in.flows.secret import ClientSecret

        return Candidate(ClientSecret(Secret.from_env(_SECRET, environ)), "", app, tenant)
    if environ.get(_PATH):
        from entrakit.sign_in.flows.certificate import ClientCertificate
        from entrakit.sources import CertificateFile

        password = Secret.from_env(_PASSWORD_OF_FILE, environ) if environ.get(_PASSWORD_OF_FILE) else None
        send_chain = environ.get(_CHAIN, "").strip().lower() in ("1", "true")
        how = ClientCertificate(CertificateFile(environ[_PATH]), password=password, send_chain=send_chain)
        return Candidate(how, "", app, tenant)
    from entrakit.sign_in.flows.password import Password

    credential = UsernamePassword(environ[_USERNAME], Secret.from_env(_PASSWORD, environ))
    return Candidate(Password(credential), "", app, tenant or "organizations")


def _workload_identity(app: str, tenant: str, environ: Mapping[str, str]) -> Candidate:
    needed = {_CLIENT: app, _TENANT: tenant, _TOKEN_FILE: environ.get(_TOKEN_FILE)}
    reason = _missing(needed)
    if reason:
        if environ.get(_TOKEN_FILE):
            _refuse_empty([name for name, value in needed.items() if not value], environ)
        return Candidate(None, reason)
    from entrakit.sign_in.flows.federated import Federated

    return Candidate(Federated("kubernetes"), "", app, tenant)


def _refuse_empty(names: Sequence[str], environ: Mapping[str, str]) -> None:
    """Raise ParameterError if variables are set, but empty, as a pipeline passes a value that does not exist.

    The next place could be another account.
    """
    empty = [name for name in names if environ.get(name) == ""]
    if empty:
        raise ParameterError(
            f"{' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} set, but empty.",
            remedy="Set a value, or unset the variable.",
        )


def _missing(values: Mapping[str, str | None]) -> str:
    """Return a sentence that names the variables without a value; empty if there are none."""
    missing = [name for name, value in values.items() if not value]
    if not missing:
        return ""
    *others, last = missing
    return f"{', '.join(others)} and {last} are not set." if others else f"{last} is not set."
