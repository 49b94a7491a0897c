"""The tools of Azure that give a token of the account that is signed in to them, and the meaning of their failures.

| Tool | Command | Failure messages |
|---|---|---|
| Azure CLI | `az account get-access-token` | on standard error |
| Azure Developer CLI | `azd auth token` | JSON lines, whose form depends on the version |
| Azure PowerShell | `Get-AzAccessToken` | JSON of our script, or standard error if PowerShell fails before it |

The documentation of the tools does not promise these messages. An unknown one is shown unchanged.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from entrakit.authority.tenants import WELL_KNOWN_CLIENTS
from entrakit.errors import InteractionRequiredError, ParameterError, SignInError
from entrakit.redaction import redact
from entrakit.shown_text import one_line
from entrakit.sign_in.errors import error_from
from entrakit.sign_in.remedies import asks_user
from entrakit.tokens.scopes import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.files.programs import Finished
    from entrakit.sign_in.discovery import Authority

MAX_TEXT = 300

_AZURE_CLI_APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
# Windows starts `az.cmd` through its command interpreter, which gives other characters a meaning.
_SAFE = re.compile(r"[A-Za-z0-9:/._~-]+", re.ASCII)
_NETWORK = "Check the network and the proxy of this machine, then try again."
_NUMBER = re.compile(r"AADSTS([0-9]{1,9})")
# Values come from variables, because a string in a script can end its quotes.
_SCRIPT = """
$ErrorActionPreference = 'Stop'; $WarningPreference = 'SilentlyContinue'; $ProgressPreference = 'SilentlyContinue'
try {
    try { Import-Module Az.Accounts -MinimumVersion 2.2.0 | Out-Null } catch {
        if (Get-Module Az.Accounts -ListAvailable | Where-Object Version -ge '2.2.0') { throw }
        throw 'ENTRAKIT_NO_MODULE'
    }
    $given = @{ ResourceUrl = $env:ENTRAKIT_TOOL_RESOURCE }
    if ($env:ENTRAKIT_TOOL_TENANT) { $given.TenantId = $env:ENTRAKIT_TOOL_TENANT }
    $found = Get-AzAccessToken @given
    $text = $found.Token
    if ($text -is [securestring]) { $text = (New-Object System.Net.NetworkCredential '', $text).Password }
    @{ token = $text; expires_on = $found.ExpiresOn.ToUnixTimeSeconds(); tenant = $found.TenantId } |
        ConvertTo-Json -Compress
} catch { @{ error = $_.Exception.Message } | ConvertTo-Json -Compress; exit 1 }
"""


class Question(NamedTuple):
    """The token that a tool must give.

    Args:
        scopes: Scopes of one resource.
        tenant: The tenant; empty for the one that the tool is signed in to.
        claims: Claims challenge, as JSON; empty for none.
    """

    scopes: tuple[str, ...]
    tenant: str = ""
    claims: str = ""

    @property
    def encoded_claims(self) -> str:
        """The claims challenge in base64, as the tools expect it."""
        return base64.b64encode(self.claims.encode()).decode()

    def check(self) -> None:
        """Raise ParameterError if a scope or the tenant has a character that no tool may be given."""
        for text in (*self.scopes, self.tenant or "none"):
            if not _SAFE.fullmatch(text) or text.startswith("-"):
                raise ParameterError(
                    f"{text!r} has a character that can't be passed to another program.",
                    remedy="Use letters, digits and the characters : / . _ ~ - only.",
                )


class Tool(NamedTuple):
    """A tool that gives tokens.

    Args:
        title: Its name.
        programs: File names of its program, the preferred one first.
        windows_programs: The same on Windows.
        client_id: The app that its users sign in with.
        words: Returns its arguments for a question.
        login: Returns the command that signs in to it, for a question.
        install: What to do if it is not installed.
        environ: Variables that keep colors and notices out of its output.
        signed_out: Parts of the messages of a tool that is not signed in, in lower case.
        failures: Parts of other messages in lower case, each with problem and remedy.
        claims_since: Version that signs in with a claims challenge; empty if its command takes one.
    """

    title: str
    programs: tuple[str, ...]
    windows_programs: tuple[str, ...]
    client_id: str
    words: Callable[[Question], list[str]]
    login: Callable[[Question], str]
    install: str
    environ: tuple[tuple[str, str], ...]
    signed_out: tuple[str, ...]
    failures: tuple[tuple[str, str, str], ...]
    claims_since: str

    def names(self) -> tuple[str, ...]:
        """Return the file names of its program on this system."""
        return self.windows_programs if os.name == "nt" else self.programs

    def variables(self, question: Question) -> dict[str, str]:
        """Return the variables to set for a question."""
        return {
            **dict(self.environ),
            "ENTRAKIT_TOOL_RESOURCE": resource_of(question.scopes[0]),
            "ENTRAKIT_TOOL_TENANT": question.tenant,
        }


def _az_words(question: Question) -> list[str]:
    tenant = ["--tenant", question.tenant] if question.tenant else []
    return ["account", "get-access-token", "--output", "json", "--scope", *question.scopes, *tenant]


def _az_login(question: Question) -> str:
    tenant = f" --tenant {question.tenant}" if question.tenant else ""
    claims = f" --claims-challenge {question.encoded_claims}" if question.claims else ""
    return f"az login{tenant} --scope {question.scopes[0]}{claims}"


def _azd_words(question: Question) -> list[str]:
    scopes = [word for scope in question.scopes for word in ("--scope", scope)]
    tenant = ["--tenant-id", question.tenant] if question.tenant else []
    claims = ["--claims", question.encoded_claims] if question.claims else []
    return ["auth", "token", "--output", "json", "--no-prompt", *scopes, *tenant, *claims]


def _azd_login(question: Question) -> str:
    # A challenge that it could not answer is not part of the command: it remembers that one for its next sign-in.
    tenant = f" --tenant-id {question.tenant}" if question.tenant else ""
    return f"azd auth login{tenant} --scope {question.scopes[0]}"


def _powershell_words(question: Question) -> list[str]:
    del question
    return ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", _SCRIPT]


def _powershell_login(question: Question) -> str:
    tenant = f" -Tenant {question.tenant}" if question.tenant else ""
    claims = f" -ClaimsChallenge {question.encoded_claims}" if question.claims else ""
    return f"Connect-AzAccount{tenant} -AuthScope {resource_of(question.scopes[0])}{claims}"


# By the parameter of `connect()` that selects them.
TOOLS = {
    "azure_cli": Tool(
        title="Azure CLI",
        programs=("az",),
        windows_programs=("az.cmd", "az.exe"),
        client_id=_AZURE_CLI_APP,
        words=_az_words,
        login=_az_login,
        install="Install it (https://aka.ms/azure-cli), then sign in to it: `az login`.",
        environ=(("AZURE_CORE_NO_COLOR", "true"), ("AZURE_CORE_ONLY_SHOW_ERRORS", "true")),
        signed_out=("az login", "az account set"),
        failures=(
            ("unrecognized arguments", "This version of Azure CLI is too old.", "Update it: `az upgrade`."),
            (
                "doesn't exist in cloud",
                "Azure CLI lacks the subscription.",
                "Select another: `az account set`.",
            ),
            ("max retries exceeded", "Azure CLI did not reach the token service.", _NETWORK),
            ("no module named", "The installation of Azure CLI is damaged.", "Install it again."),
        ),
        claims_since="2.76.0",
    ),
    "azd": Tool(
        title="Azure Developer CLI",
        programs=("azd",),
        windows_programs=("azd.exe", "azd.cmd"),
        client_id=_AZURE_CLI_APP,
        words=_azd_words,
        login=_azd_login,
        install="Install it (https://aka.ms/azure-dev), then sign in to it: `azd auth login`.",
        environ=(("NO_COLOR", "true"), ("AZD_SKIP_UPDATE_CHECK", "true")),
        signed_out=("azd auth login", "not logged in"),
        failures=(
            (
                "unknown flag: --claims",
                "The API requires more of the token, which this version of Azure Developer CLI can't request.",
                "Update it to version 1.18.1 or later, then try again.",
            ),
            ("dial tcp", "Azure Developer CLI did not reach the token service.", _NETWORK),
            ("unknown flag", "This version of Azure Developer CLI is too old.", "Update it."),
        ),
        claims_since="",
    ),
    "azure_powershell": Tool(
        title="Azure PowerShell",
        programs=("pwsh",),
        windows_programs=("pwsh.exe", "powershell.exe"),
        client_id=WELL_KNOWN_CLIENTS["azure"],
        words=_powershell_words,
        login=_powershell_login,
        install="Install PowerShell (https://aka.ms/powershell) and its module Az.Accounts.",
        environ=(("NO_COLOR", "true"), ("POWERSHELL_UPDATECHECK", "Off"), ("POWERSHELL_TELEMETRY_OPTOUT", "1")),
        signed_out=("connect-azaccount", "no account found in the context", "no subscription found in the context"),
        failures=(
            (
                "entrakit_no_module",
                "PowerShell has no module Az.Accounts, or one before version 2.2.0.",
                "Install it: `Install-Module Az.Accounts`.",
            ),
            (
                "about_execution_policies",
                "The execution policy of PowerShell forbids the module Az.Accounts.",
                "Allow signed scripts: `Set-ExecutionPolicy RemoteSigned -Scope CurrentUser`.",
            ),
            (
                "authorizationmanager check failed",
                "The execution policy of PowerShell forbids the module Az.Accounts.",
                "Allow signed scripts: `Set-ExecutionPolicy RemoteSigned -Scope CurrentUser`.",
            ),
        ),
        claims_since="Az.Accounts 5.2.0",
    ),
}


def refuses_tenant(finished: Finished) -> bool:
    """Return whether a tool failed because its account, a managed identity or Cloud Shell, has one tenant only."""
    return finished.code != 0 and "tenant shouldn't be specified" in _text(finished).lower()


def failure(tool: Tool, question: Question, finished: Finished, authority: Authority) -> SignInError:
    """Return the error for a failure of a tool.

    Args:
        tool: The tool.
        question: The token that it should give.
        finished: Its result.
        authority: The authority of the connection.
    """
    text = _text(finished)
    shown = one_line(redact(text), MAX_TEXT)
    again = f"Sign in to it: `{tool.login(question)}`."
    number = _NUMBER.search(text)
    if number is not None:
        return _refusal(tool, question, text, int(number[1]), authority)
    low = text.lower()
    for part, problem, remedy in tool.failures:
        if part in low:
            return SignInError(problem, remedy=remedy, description=shown)
    if any(part in low for part in tool.signed_out):
        return InteractionRequiredError(
            f"{tool.title} is not signed in, or not to the tenant.",
            remedy=again,
            error="interaction_required",
            description=shown,
        )
    if finished.code in (126, 127):
        return SignInError(f"{tool.title} can't be started.", remedy="Install it again.", description=shown)
    said = f": {shown}" if shown else " and said nothing"
    return SignInError(f"{tool.title} failed with code {finished.code}{said}", remedy=f"Run it alone. {again}")


def claims_refused(tool: Tool, question: Question) -> InteractionRequiredError:
    """Return the error for a claims challenge that a tool answers only when a user signs in to it."""
    return InteractionRequiredError(
        f"The API requires more of the token, and {tool.title} can't request that without the user.",
        remedy=(
            f"Sign in to it, which requires version {tool.claims_since.rpartition(' ')[2]} or later"
            f"{' of Az.Accounts' if ' ' in tool.claims_since else ''}: `{tool.login(question)}`. "
            "Then connect again: `connect()`."
        ),
        error="interaction_required",
        claims=question.claims,
    )


def _refusal(tool: Tool, question: Question, text: str, number: int, authority: Authority) -> SignInError:
    """Return the error for a refusal of the token service that a tool reports."""
    # The tool redeems a refresh token, so what asks a user elsewhere asks for a sign-in to the tool.
    error = error_from(
        {"error": "invalid_grant", "error_description": text},
        flow="refresh" if asks_user(number) else tool.title,
        tenant=question.tenant or "of the account",
        client_id=tool.client_id,
        authority=authority.cloud.authority,
    )
    if isinstance(error, InteractionRequiredError):
        error.remedy = f"Sign in to it: `{tool.login(question)}`."
    return error


def _text(finished: Finished) -> str:
    """Return the message of a tool that failed: those in its JSON, else its error output, else its output."""
    output, stderr = (part.decode("utf-8", "replace") for part in (finished.output, finished.errors))
    found = []
    for line in (*output.splitlines(), *stderr.splitlines()):
        try:
            value = json.loads(line) if line.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            if isinstance(value.get("error"), str) and value["error"].strip():
                return str(value["error"]).strip()
            data = value.get("data")
            message = data.get("message") if isinstance(data, dict) else None
            found.append(message.strip() if isinstance(message, str) else "")
    return "\n".join(filter(None, found)) or stderr.strip() or output.strip()
