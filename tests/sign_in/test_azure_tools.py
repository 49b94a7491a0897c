"""The tools of Azure: what they are asked, and what each of their failures means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entrakit.authority.clouds import GLOBAL
from entrakit.errors import InteractionRequiredError, ParameterError, SignInError
from entrakit.files.programs import Finished
from entrakit.sign_in.azure_tools import TOOLS, Question, claims_refused, failure
from entrakit.sign_in.discovery import offline

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE = "https://graph.microsoft.com/.default"
TENANT = "11111111-2222-3333-4444-555555555555"
CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="
ASKED = Question((SCOPE,), TENANT)
AUTHORITY = offline(GLOBAL, TENANT)
IDS = "Trace ID: 1111 Correlation ID: 2222 Timestamp: 2026-01-01 00:00:00Z"


def failed(tool: str, errors: str = "", output: str = "", code: int = 1) -> SignInError:
    """Return the error for a failure of a tool."""
    return failure(TOOLS[tool], ASKED, Finished(code, output.encode(), errors.encode()), AUTHORITY)


def test_each_tool_is_asked_with_a_list_of_words() -> None:
    """
    Scopes, tenant and claims are separate words. PowerShell gets a script that is always the same, and its values
    in variables.
    """
    full = ASKED._replace(claims='{"access_token":{}}')
    words = {name: " ".join(one.words(full)) for name, one in TOOLS.items()}

    assert f"account get-access-token --output json --scope {SCOPE} --tenant {TENANT}" == words["azure_cli"]
    assert ["--scope", "a/b", "a/c"] == TOOLS["azure_cli"].words(Question(("a/b", "a/c")))[-3:]
    assert (
        f"auth token --output json --no-prompt --scope {SCOPE} --tenant-id {TENANT} --claims {CLAIMS}" == words["azd"]
    )
    assert ["--scope", "a/b", "--scope", "a/c"] == TOOLS["azd"].words(Question(("a/b", "a/c")))[-4:]
    script = TOOLS["azure_powershell"].words(full)
    assert script == TOOLS["azure_powershell"].words(Question(("api://x/.default",)))
    assert TENANT not in script[-1]
    assert {"ENTRAKIT_TOOL_RESOURCE": "https://graph.microsoft.com", "ENTRAKIT_TOOL_TENANT": TENANT}.items() <= (
        TOOLS["azure_powershell"].variables(full).items()
    )


@pytest.mark.parametrize("scope", ["a&calc/.default", "%PATH%/.default", '"x"/.default', "--help", "a^b/.default"])
def test_no_word_has_a_meaning_for_a_command_interpreter(scope: str) -> None:
    """
    On Windows `az` is a batch file, whose arguments the command interpreter reads again.
    """
    with pytest.raises(ParameterError):
        Question((scope,)).check()


SIGNED_OUT: Mapping[str, tuple[str, ...]] = {
    "azure_cli": (
        "ERROR: Please run 'az login' to setup account.",
        "ERROR: Please run 'az account set' to select active account.",
        "ERROR: Could not retrieve credential from local cache for service principal x. Please run `az login` for it.",
    ),
    "azd": (
        '{"type":"consoleMessage","data":{"message":"\\nERROR: not logged in, run `azd auth login` to login\\n"}}',
        '{"error":"not logged in, run `azd auth login` to login","message":"x","suggestion":"y"}',
        "ERROR: login expired, run `azd auth login` to log in",
    ),
    "azure_powershell": (
        "Run Connect-AzAccount to login.",
        '{"error":"No account found in the context. Please login using Connect-AzAccount."}',
    ),
}


@pytest.mark.parametrize(("tool", "text"), [(tool, text) for tool, texts in SIGNED_OUT.items() for text in texts])
def test_a_tool_that_is_not_signed_in_is_named_with_its_command(tool: str, text: str) -> None:
    """
    A user has to sign in to it; the remedy is the whole command, for the same tenant and resource.
    """
    error = failed(tool, text)

    assert isinstance(error, InteractionRequiredError)
    assert f"{TOOLS[tool].title} is not signed in, or not to the tenant." == error.problem
    assert TOOLS[tool].login(ASKED) in error.remedy
    assert TENANT in error.remedy


@pytest.mark.parametrize(
    ("tool", "text", "problem"),
    [
        ("azure_cli", "az: error: unrecognized arguments: --scope x", "too old"),
        (
            "azure_cli",
            "ERROR: The subscription of 'x' doesn't exist in cloud 'AzureCloud'.",
            "lacks the subscription",
        ),
        ("azure_cli", "/usr/bin/python: No module named azure", "damaged"),
        (
            "azure_cli",
            "x: HTTPSConnectionPool(host='x'): Max retries exceeded with url",
            "did not reach the token service",
        ),
        ("azd", "ERROR: fetching token: Post x: dial tcp: lookup x: i/o timeout", "did not reach the token service"),
        ("azd", "ERROR: unknown flag: --claims", "can't request"),
        ("azd", "ERROR: unknown flag: --no-prompt", "too old"),
        ("azure_powershell", '{"error":"ENTRAKIT_NO_MODULE"}', "no module Az.Accounts"),
        ("azure_powershell", "x cannot be loaded. For more, see about_Execution_Policies", "execution policy"),
        ("azure_powershell", "AuthorizationManager check failed.", "execution policy"),
        ("azd", "something else", "failed with code 1: something else"),
        ("azd", "", "said nothing"),
    ],
)
def test_known_failures_are_explained(tool: str, text: str, problem: str) -> None:
    """
    Each failure that is not a missing sign-in says what is wrong, and what to do; an unknown one is shown.
    """
    error = failed(tool, text)

    assert not isinstance(error, InteractionRequiredError)
    assert problem in error.problem
    assert error.remedy


def test_a_program_that_does_not_exist_any_more_is_explained() -> None:
    """
    The script of a tool ends with 127 if the program that it starts is gone.
    """
    assert "Azure CLI can't be started." == failed("azure_cli", "az: line 2: python: not found", code=127).problem


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("number", "needs_user"),
    [(50173, True), (700082, True), (50076, True), (70043, True), (53003, False), (65002, False), (90002, False)],
)
def test_numbers_are_explained_by_the_table(tool: str, number: int, needs_user: bool) -> None:
    """
    The explanation is that of the token service's table. Where it sends a user to sign in, the user signs in to the
    tool. The ids are kept.
    """
    text = f"AADSTS{number}: Some text of the service. {IDS}"
    said = json.dumps({"error": text}) if tool != "azure_cli" else f"ERROR: {text}\nRun: az login"

    error = failed(tool, said)

    assert (number, "2222", "1111") == (error.code, error.correlation_id, error.trace_id)
    assert needs_user == isinstance(error, InteractionRequiredError)
    assert needs_user == (TOOLS[tool].login(ASKED) in error.remedy)


def test_a_busy_service_needs_no_user() -> None:
    """
    A temporary failure of the token service is retryable, though a user can't help.
    """
    error = failed("azure_cli", "ERROR: AADSTS90033: A transient error has occurred. Please try again.")

    assert not isinstance(error, InteractionRequiredError)
    assert error.retryable


@pytest.mark.parametrize(("tool", "version"), [("azure_cli", "2.76.0"), ("azure_powershell", "5.2.0 or later of Az")])
def test_a_claims_challenge_names_the_version_and_the_command(tool: str, version: str) -> None:
    """
    Azure CLI and Azure PowerShell answer a claims challenge only at the sign-in, and only in newer versions.
    """
    error = claims_refused(TOOLS[tool], ASKED._replace(claims='{"access_token":{}}'))

    assert version in error.remedy
    assert CLAIMS in error.remedy
    assert '{"access_token":{}}' == error.claims


def test_a_token_in_a_failure_is_masked() -> None:
    """
    A failure can contain a token; no error shows it.
    """
    error = failed("azure_cli", 'failed: {"accessToken": "eyJhbGciOiJub25lIn0.e30.canary"}')

    assert "canary" not in str(error) + error.description
