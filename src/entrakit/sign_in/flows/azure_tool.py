"""A tool of Azure that is signed in already gives the tokens: Azure CLI, Azure Developer CLI, or Azure PowerShell.

    app              tool                          token service
     │ scopes, tenant  │                               │
     ├────────────────▶│  its own account and cache    │
     │                 ├──────────────────────────────▶│  if it has no token
     │◀────────────────┤  access token, expiry

The tool keeps its refresh token, which is neither read nor saved. Each renewal runs the tool again. Claims of the
token are for display, and to notice that the tool was signed in to another tenant or account in between.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrakit.authority.tenants import MANY_TENANTS, is_guid, parse_client_id
from entrakit.errors import ParameterError, SignInError
from entrakit.files.programs import Finished, ProgramError, find_program, run
from entrakit.sign_in.azure_tools import TOOLS, Question, claims_refused, failure, refuses_tenant
from entrakit.sign_in.flow import Flow
from entrakit.sign_in.flows.access_token import grant_of
from entrakit.tokens.jwt import decode_claims
from entrakit.tokens.scopes import DEFAULT, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.azure_tools import Tool
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON

# Azure PowerShell needs up to 20 seconds to load its module. The lock of a saved connection is awaited for 120.
TIMEOUT_S = 60.0


class AzureTool(Flow):
    """A tool of Azure that is signed in.

    Args:
        tool: The parameter that selects it: `azure_cli`, `azd` or `azure_powershell`.

    Raises:
        ParameterError: The tool is not known.
    """

    __slots__ = ("client_id", "origin", "tool")

    name = "azure_tool"
    needs_ids = False
    is_local = True
    needs_no_variables = True
    default_scopes = (DEFAULT,)
    tenant_id = "organizations"
    tool: str
    client_id: str
    origin: tuple[tuple[str, str], ...]

    def __init__(self, tool: str) -> None:
        if tool not in TOOLS:
            raise ParameterError(f"{tool!r} is not a known tool.", remedy=f"Use one of these: {', '.join(TOOLS)}.")
        put = object.__setattr__
        put(self, "tool", tool)
        put(self, "client_id", TOOLS[tool].client_id)
        put(self, "origin", (("tool", tool),))

    @property
    def title(self) -> str:
        """Name of the tool, for messages."""
        return TOOLS[self.tool].title

    def __repr__(self) -> str:
        return f"AzureTool({self.tool!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of `azure_cli`, `azd` or `azure_powershell`."""
        chosen = [name for name in TOOLS if given.get(name)]
        if len(chosen) > 1:
            names = " and ".join(f"`{name}`" for name in chosen)
            raise ParameterError(f"{names} select different tools.", remedy="Keep one of them.")
        found = cls(chosen[0])
        if given["client_id"] and parse_client_id(given["client_id"]) != found.client_id:
            raise ParameterError(f"{found.title} signs in with its own app.", remedy="Leave `client_id` out.")
        return found

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
        """Return the token that the tool gives.

        Raises:
            InteractionRequiredError: A user has to sign in to the tool.
            SignInError: The tool is not installed, takes more than a minute, fails, or gives a token of another tenant.
            ParameterError: The tool does not accept these scopes.
        """
        del client_id
        tool, tenant = TOOLS[self.tool], authority.tenant_id
        question = Question(tuple(scopes), "" if tenant in MANY_TENANTS else tenant, claims)
        question.check()
        if self.tool == "azure_powershell" and any(not scope.endswith(f"/{DEFAULT}") for scope in scopes):
            raise ParameterError(
                "Azure PowerShell gives tokens for a resource, not for single permissions.",
                remedy=f"Request the scope {resource_of(scopes[0])}/{DEFAULT}, or leave `scopes` out.",
            )
        if claims and tool.claims_since:
            raise claims_refused(tool, question)
        limit_s = min(timeout_s or TIMEOUT_S, TIMEOUT_S)
        finished = _asked(tool, question, limit_s)
        if question.tenant and refuses_tenant(finished):
            finished = _asked(tool, question._replace(tenant=""), limit_s)
        if finished.code != 0:
            raise failure(tool, question, finished, authority)
        answer = _answer(finished.output.decode("utf-8", "replace"))
        token, expires_at = _token(answer), _expiry(answer)
        now = transport.clock.time()
        if not token or expires_at is None or expires_at <= now:
            what = "an expired token" if token and expires_at is not None else "something other than a token"
            raise SignInError(
                f"{tool.title} wrote {what}.",
                remedy=f"Update it, or sign in to it again: `{tool.login(question)}`.",
                error="invalid_token",
            )
        _refuse_other_tenant(tool, question, answer, token)
        return grant_of(token, now, expires_at)

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Self:
        """Return the same value: the tool is asked again."""
        del now, environ, open_connection
        return cls(dict(settings.origin).get("tool", ""))

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the parameter that selects the tool."""
        return {dict(settings.origin).get("tool", ""): True}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the name of the tool."""
        tool = TOOLS.get(dict(settings.origin).get("tool", ""))
        return "" if tool is None else tool.title


FLOW = AzureTool


def _asked(tool: Tool, question: Question, limit_s: float) -> Finished:
    """Run a tool. Raises SignInError if it is not installed, or does not end properly."""
    path = find_program(tool.names(), os.environ)
    if path is None:
        raise SignInError(f"{tool.title} is not installed, or its folder is not on the PATH.", remedy=tool.install)
    environ = {**os.environ, **tool.variables(question)}
    try:
        return run([path, *tool.words(question)], timeout_s=limit_s, environ=environ, is_apart=True)
    except ProgramError as error:
        raise SignInError(
            f"{tool.title} {error.problem}.",
            remedy=f"Sign in to it, which shows what is wrong: `{tool.login(question)}`.",
            retryable=error.kind == "slow",
        ) from error


def _answer(output: str) -> dict[str, JSON]:
    """Return the first JSON object in an output that begins a line; warnings can be before it. Empty if none does."""
    place = 0
    for line in output.splitlines(keepends=True):
        if line.lstrip("\ufeff").startswith("{"):
            try:
                value, _ = json.JSONDecoder().raw_decode(output, output.index("{", place))
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict):
                return value
        place += len(line)
    return {}


def _token(answer: Mapping[str, JSON]) -> str:
    """Return the access token; empty if there is none that could be sent in a header."""
    value = answer.get("accessToken", answer.get("token"))
    is_usable = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
    is_bearer = str(answer.get("tokenType", "Bearer")).lower() == "bearer"
    return str(value) if is_usable and is_bearer else ""


def _expiry(answer: Mapping[str, JSON]) -> float | None:
    """Return the seconds since 1970 at which the token expires; None if the answer does not say so.

    Azure CLI before 2.54 has local time only, without a time zone.
    """
    try:
        if "expires_on" in answer:
            return float(int(str(answer["expires_on"])))
        return datetime.fromisoformat(str(answer["expiresOn"])).timestamp()
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _refuse_other_tenant(tool: Tool, question: Question, answer: Mapping[str, JSON], token: str) -> None:
    """Raise SignInError if the tenant was given by its id, and the token belongs to another one."""
    found = (decode_claims(token) or {}).get("tid", answer.get("tenant"))
    if is_guid(question.tenant) and isinstance(found, str) and is_guid(found) and found.lower() != question.tenant:
        raise SignInError(
            f"{tool.title} gave a token of the tenant {found}, not of {question.tenant}.",
            remedy=f"Sign in to it again: `{tool.login(question)}`.",
            error="invalid_token",
        )
