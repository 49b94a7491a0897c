"""Client credentials with a token of another issuer, which the app trusts (workload identity federation; RFC 7523).

    app                    its host                token service
     │ the job's own token    │                          │
     ├───────────────────────▶│                          │
     │◀───────────────────────┤  assertion               │
     │ client id, assertion, scope                       │
     ├──────────────────────────────────────────────────▶│  POST /token
     │◀──────────────────────────────────────────────────┤  access token, no refresh token

The app registration has a federated credential with the issuer, the subject and the audience of the assertion. The
assertion is read or requested again for each token, and never saved. Its claims are decoded for messages only.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from entrakit import paths
from entrakit.authority.tenants import is_guid
from entrakit.errors import EntraError, InteractionRequiredError, ParameterError, SignInError
from entrakit.secret import Secret, cleaned
from entrakit.shown_text import one_line
from entrakit.sign_in.discovery import offline
from entrakit.sign_in.federated_providers import (
    PROVIDERS,
    SERVICE_CONNECTION_VARIABLE,
    AssertionRequest,
    MissingAssertionError,
    audience_of,
    find_provider,
    first_provider,
    none_available,
    read_file,
)
from entrakit.sign_in.flow import Flow
from entrakit.sources import Environment, File
from entrakit.tokens.jwt import decode_claims
from entrakit.tokens.scopes import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal, NoReturn, Self, TypeAlias

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.flows.managed_identity import ManagedIdentity
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON

    Source: TypeAlias = Literal[True] | str | os.PathLike[str] | Sequence[str] | Callable[[], str] | File | Environment

# As for the tools of Azure: the lock of a saved connection is awaited for 120 seconds.
TIMEOUT_S = 60.0
# The token service tolerates clocks that differ by this much.
TOLERATED_SKEW_S = 300.0
# No federated credential of the app matches the assertion, or the assertion itself is refused.
ABOUT_ASSERTION = (
    *(70021, 70025, 700211, 700212, 700213, 7002138, 700222, 700229, 700236),
    *(700024, 700027, 7000272, 50013, 50027, 5002738, 5002741, 501661, 900612),
)
MAX_CLAIM = 300
MANAGED_IDENTITY = "managed-identity"


class Federated(Flow):
    """An app that trusts tokens of another issuer.

    Args:
        source: Where the token comes from: the name of a provider, True for the first available provider, a file,
            a variable (`Environment`), a program with its arguments, or a function that returns a new token.
            `managed-identity` is the identity of the host, and `managed-identity:ID` the one with this client id.
        service_connection_id: Id of the service connection of Azure DevOps; its variable is read if this is empty.

    Raises:
        ParameterError: The source can't be used.
    """

    __slots__ = ("client_id", "cloud", "function", "is_ready", "origin", "tenant_id")

    name = "federated"
    is_app = True
    not_renewed = "The function that gives the assertion is not saved."
    refused_tenants = ("common", "consumers", "organizations")
    function: Callable[[], str] | None
    origin: tuple[tuple[str, str], ...]
    client_id: str
    tenant_id: str
    cloud: str
    is_ready: bool

    def __init__(self, source: Source = True, *, service_connection_id: str = "") -> None:
        put, environ = object.__setattr__, os.environ
        origin = _origin_of(source, environ)
        origin += _connection_of(dict(origin), service_connection_id, environ)
        has_provider = origin[0][0] == "provider"
        put(self, "function", source if callable(source) else None)
        put(self, "origin", origin)
        put(self, "is_ready", origin[0] != ("provider", ""))
        for field, variable in _FIELDS.items():
            put(self, field, environ.get(variable, "") if has_provider else "")

    def __repr__(self) -> str:
        return f"Federated({dict(self.origin)!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameters `federated` and `service_connection_id`."""
        return cls(given["federated"], service_connection_id=given.get("service_connection_id") or "")

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return this value. Raises SignInError if no provider is available."""
        del now, open_connection
        if not self.is_ready:
            raise none_available()
        return self

    def sign_in(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        scopes: Sequence[str],
        *,
        claims: str = "",
        timeout_s: float | None = None,
    ) -> Grant:
        """Get a new assertion, and send it.

        Raises:
            SignInError: There is no assertion, or the service refused it: no federated credential matches.
            MissingAssertionError: The file can't be read, or the variable has no value.
            NetworkError: No usable answer.
        """

        def ask(service: TokenService) -> Grant:
            return service.grant_client(scopes, claims=claims)

        limit_s = min(timeout_s or TIMEOUT_S, TIMEOUT_S)
        return self.as_app(authority, client_id, transport, ask, flow=self.name, limit_s=limit_s)

    def as_app(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        ask: Callable[[TokenService], Grant],
        *,
        flow: str,
        limit_s: float = TIMEOUT_S,
    ) -> Grant:
        """Get a new assertion, and send it with a request. Raises as `sign_in`."""
        from entrakit.sign_in._msal import TokenService

        question = AssertionRequest(audience_of(authority.cloud.name), transport, os.environ)
        assertion = cleaned(self._assertion(question, authority, limit_s)).strip()
        presented = _checked(assertion, _described(dict(self.origin)), transport.clock.time())
        service = TokenService(authority, client_id, transport, flow=flow, assertion=lambda: assertion)
        try:
            return ask(service)
        except SignInError as error:
            # The user's token is an assertion, too, with the same numbers below 700000.
            if error.code in ABOUT_ASSERTION and (flow == self.name or str(error.code).startswith("700")):
                error.problem += _presented(presented)
            raise

    def _assertion(self, question: AssertionRequest, authority: Authority, limit_s: float) -> str:
        """Return the assertion that the source gives now, unchecked."""
        origin = dict(self.origin)
        if self.function is not None:
            return _called(self.function)
        if "identity" in origin:
            # The identity can belong to another tenant than the app.
            anywhere, scope = offline(authority.cloud, "organizations"), f"{question.audience}/{DEFAULT}"
            return _identity(origin["identity"]).sign_in(anywhere, "", question.transport, [scope]).access_token
        if "provider" in origin:
            question = question._replace(service_connection_id=origin.get("service_connection_id", ""))
            return PROVIDERS[find_provider(origin["provider"])].ask(question)
        if "file" in origin:
            return read_file(origin["file"])
        if "command" in origin:
            return _output([str(word) for word in json.loads(origin["command"])], question.environ, limit_s)
        value = question.environ.get(origin["variable"], "")
        if not value:
            raise MissingAssertionError(
                f"The variable {origin['variable']} has no value.",
                remedy="Set it to a token of the issuer, or name another source.",
            )
        return Secret.from_env(origin["variable"], question.environ).reveal()

    def to_json(self) -> dict[str, JSON]:
        """Raise ParameterError: there is nothing to save."""
        raise ParameterError(
            "`save_secret` does not go with `federated`: each token needs a new assertion, so none is saved.",
            remedy="Leave `save_secret` out. The connection renews itself where its source is available.",
        )

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Self:
        """Return the same value: its source is asked when it signs in."""
        del now, environ, open_connection
        origin = dict(settings.origin)
        if "assertion" in origin:
            which = f"the connection {settings.name!r}" if settings.name else "this connection"
            raise InteractionRequiredError(
                f"Renewing {which} requires the function that gave its assertion, which is not saved.",
                remedy="Connect again: `connect()`.",
                error="interaction_required",
            )
        return cls(_source_of(origin), service_connection_id=origin.get("service_connection_id", ""))

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the source, and the service connection if there is one."""
        origin = dict(settings.origin)
        more = {name: value for name, value in origin.items() if name == "service_connection_id"}
        return {"federated": _source_of(origin), **more}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the provider, file, variable or program that gives the assertion of the next token."""
        origin = dict(settings.origin)
        return "" if "assertion" in origin else _described(origin)


FLOW = Federated
# Variables that say who signs in where; hosts set them, or the job does.
_FIELDS = {"client_id": "AZURE_CLIENT_ID", "tenant_id": "AZURE_TENANT_ID", "cloud": "AZURE_AUTHORITY_HOST"}


def _origin_of(source: Source, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the saved form of a source; `_source_of` reads it."""
    if source is True:
        return (("provider", first_provider(environ)),)
    if isinstance(source, Environment):
        return (("variable", source.variable),)
    if isinstance(source, File):
        return (("file", paths.absolute(source.path)),)
    if isinstance(source, os.PathLike) or (isinstance(source, str) and ("/" in source or os.sep in source)):
        return (("file", paths.absolute(source)),)
    if isinstance(source, str):
        name, _, one = source.strip().partition(":")
        if name.lower().replace("_", "-") == MANAGED_IDENTITY:
            _identity(one)
            return (("identity", one.lower()),)
        return (("provider", find_provider(source)),)
    if callable(source):
        return (("assertion", "argument"),)
    if isinstance(source, tuple | list) and source and all(isinstance(word, str) and word for word in source):
        first = paths.absolute(source[0]) if os.sep in source[0] else source[0]
        return (("command", json.dumps([first, *source[1:]])),)
    raise ParameterError(
        "`federated` must be a provider, a file, a list of words that runs a program, a function, or True.",
        remedy=f"The providers are {', '.join(PROVIDERS)} and {MANAGED_IDENTITY}.",
    )


def _source_of(origin: Mapping[str, str]) -> Source:
    """Return the source from its saved form; True for a function, which is not saved."""
    if "file" in origin:
        return File(origin["file"])
    if "variable" in origin:
        return Environment(origin["variable"])
    if "command" in origin:
        return tuple(str(word) for word in json.loads(origin["command"]))
    if "identity" in origin:
        return f"{MANAGED_IDENTITY}:{origin['identity']}".rstrip(":")
    return origin.get("provider", True)


def _connection_of(origin: Mapping[str, str], given: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the saved form of the service connection; empty for other providers than Azure DevOps."""
    if origin.get("provider") != "azure-devops":
        if given:
            raise ParameterError(
                "`service_connection_id` is for Azure DevOps only.", remedy="Use `federated='azure-devops'`."
            )
        return ()
    found = given or environ.get(SERVICE_CONNECTION_VARIABLE, "")
    if not is_guid(found):
        problem = f"The service connection {found!r} is not a GUID." if found else "The service connection is missing."
        raise ParameterError(
            problem,
            remedy="Give `service_connection_id=…`: the resourceId in the address of its page. A task that uses it "
            f"also sets the variable {SERVICE_CONNECTION_VARIABLE}.",
        )
    return (("service_connection_id", found.lower()),)


def _described(origin: Mapping[str, str]) -> str:
    """Return a source for messages."""
    if "provider" in origin:
        found = PROVIDERS.get(origin["provider"])
        return found.title if found else origin["provider"]
    if "file" in origin:
        return f"the file {origin['file']!r}"
    if "variable" in origin:
        return f"the variable {origin['variable']}"
    if "identity" in origin:
        return f"the managed identity {origin['identity'] or 'of this host'}"
    if "command" in origin:
        return f"the program {os.path.basename(json.loads(origin['command'])[0])!r}"
    return "the function of the program"


def _identity(client_id: str) -> ManagedIdentity:
    """Return a managed identity: that of the host if the client id is empty. Raises ParameterError for another id."""
    from entrakit.sign_in.flows.managed_identity import ManagedIdentity

    return ManagedIdentity(client_id or True)


def _called(function: Callable[[], str]) -> str:
    """Return the result of a function. Raises SignInError if it fails; its own EntraErrors are passed on."""
    try:
        found = function()
    except EntraError:
        raise
    except Exception as error:
        raise SignInError(
            f"The function that gives the assertion raised {type(error).__name__}.", error="invalid_client"
        ) from error
    return str(found)


def _output(words: list[str], environ: Mapping[str, str], limit_s: float) -> str:
    """Return the output of a program. Raises SignInError if it is not found, fails, or does not end."""
    from entrakit.files.programs import ProgramError, find_program, run

    name = os.path.basename(words[0])
    path = words[0] if os.path.isabs(words[0]) else find_program([words[0]], environ)
    if path is None:
        raise _failed(name, "is not installed, or its folder is not on the PATH")
    try:
        finished = run([path, *words[1:]], timeout_s=limit_s, environ=environ, is_apart=True)
    except ProgramError as error:
        raise _failed(name, error.problem, is_slow=error.kind == "slow") from error
    if finished.code != 0:
        complaint = finished.complaint()
        raise _failed(name, f"failed with code {finished.code}{f': {complaint}' if complaint else ''}")
    return finished.output.decode("utf-8", "replace")


def _failed(name: str, problem: str, *, is_slow: bool = False) -> SignInError:
    """Return the error for a program that gave no assertion."""
    return SignInError(
        f"The program {name!r} {problem}.",
        remedy="Run the program alone: it must write the token, and nothing else.",
        error="invalid_client",
        retryable=is_slow,
    )


def _checked(assertion: str, source: str, now: float) -> dict[str, JSON]:
    """Return the claims of an assertion. Raises SignInError if it is not a JWT, or has expired."""
    claims = decode_claims(assertion) if assertion.isascii() else None
    if claims is None:
        _refuse(f"{_sentence(source)} gave something that is not a token in the form of a JWT.")
    expires_at = claims.get("exp")
    if isinstance(expires_at, int | float) and expires_at + TOLERATED_SKEW_S < now:
        minutes = round((now - expires_at) / 60)
        _refuse(f"The token that {source} has now expired {minutes} minutes ago.")
    return claims


def _refuse(problem: str) -> NoReturn:
    raise SignInError(
        problem,
        remedy="Get a new token where it comes from. A variable of a job keeps the token that the job started with.",
        error="invalid_client",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _presented(claims: Mapping[str, JSON]) -> str:
    """Return a sentence with the claims that a federated credential is matched by."""
    audience = claims.get("aud")
    values = {
        "issuer": claims.get("iss"),
        "subject": claims.get("sub"),
        "audience": ", ".join(map(str, audience)) if isinstance(audience, list) else audience,
    }
    shown = [f"the {name} {one_line(str(value), MAX_CLAIM)!r}" for name, value in values.items() if value is not None]
    return f" The assertion has {', '.join(shown) or 'no issuer, subject and audience'}."
