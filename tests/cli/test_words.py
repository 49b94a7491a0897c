"""The library names parameters and calls, the command names options and commands; nothing is lost between them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import entrakit
from entrakit import connections
from entrakit.authority.clouds import GLOBAL
from entrakit.certificates.stores.inventory import list_certificates
from entrakit.cli.command_line import read_command_line
from entrakit.cli.command_table import Command, commands, find
from entrakit.cli.parser import parser_of
from entrakit.cli.words import COMMANDS, OPTIONS, in_shell, problem_of, remedy_of
from entrakit.connection import Connection
from entrakit.connection.settings import Settings
from entrakit.errors import EntraError, InteractionRequiredError, ParameterError
from entrakit.graph.client import Client
from entrakit.sign_in.parameter_table import BY_NAME
from entrakit.vault import Vault, bundle, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARY = Path(entrakit.__file__).parent
FILES = sorted(
    path for path in LIBRARY.rglob("*.py") if path.relative_to(LIBRARY).parts[0] not in ("cli", "__main__.py")
)
NAMES = [command.path for command in commands()]

# The functions that remedies call.
FUNCTIONS: dict[str, Callable[..., object]] = {
    "connect": entrakit.connect,
    "disconnect": entrakit.disconnect,
    "disconnect_all": connections.disconnect_all,
    "export": bundle.export,
    "get_connection": entrakit.get_connection,
    "list_connections": entrakit.list_connections,
    "list_certificates": list_certificates,
    "rekey": upkeep.rekey,
    "set_current": Vault.set_current,
    "token": Connection.token,
}
# Where the parameters are that are not those of connect().
HOMES: dict[str, Callable[..., object]] = {
    "body": Client.request,
    "key_from": Vault,
    "parallel": Client.export,
    "proxy": entrakit.Transport,
    "replace": bundle.restore,
}
SETTINGS = Settings("job", "devicecode", "abc", "contoso.com", GLOBAL, ("https://graph.microsoft.com/User.Read",))
SPAN = re.compile(r"`([a-z_]\w*)(?:=[^`]*|\([^`]*\))?`")


OF_TOOLS = re.compile(r"--(?:output|no-prompt|scope|tenant|tenant-id|claims|claims-challenge)(?![\w-])")


def messages(path: Path) -> Iterator[str]:
    """Yield the strings of a file, except for docstrings; values in them are replaced by examples."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value)
                if isinstance(part, ast.Constant)
                else "'work'"
                if isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
                else ""
                for part in node.values
            )


def spans() -> list[str]:
    """Return the code spans of the library's messages that look like parameters or calls."""
    found = {match[0] for path in FILES for text in messages(path) for match in SPAN.finditer(text)}
    assert len(found) > 25
    return sorted(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_library_has_no_word_of_the_shell(path: Path) -> None:
    """
    Outside `cli/` nothing speaks of the command or its options, in messages, docstrings and comments alike.
    """
    text = path.read_text(encoding="utf-8")
    # Azure CLI and azd have options, which are passed to them or named in the command that signs in.
    lines = (OF_TOOLS.sub("", text) if path.name == "azure_tools.py" else text).splitlines()
    named = re.compile(rf"\bentra ({'|'.join(NAMES)})\b|`entra[` ]")
    # The page after the sign-in has style sheets, whose variables begin with dashes.
    options = re.compile(r"(?<![\w-])--[a-z]" if path.name != "last_page.py" else r"(?<![\w-])--[a-z]+-[a-z]")

    assert [] == [line for line in lines if named.search(line) or options.search(line)]


@pytest.mark.parametrize("span", spans())
def test_each_code_span_is_real(span: str) -> None:
    """
    A parameter that a message names is one of `connect()` or of another public function, and a call can be made.
    """
    (name,) = EntraError("x", remedy=span).parameters
    inner = span.strip("`")
    if "(" in inner:
        call = ast.parse(inner, mode="eval").body
        assert isinstance(call, ast.Call)
        parameters = inspect.signature(FUNCTIONS[name]).parameters
        assert {keyword.arg for keyword in call.keywords} <= set(parameters)
        assert all(isinstance(one, ast.Constant) for one in [*call.args, *(one.value for one in call.keywords)])
    else:
        assert name in inspect.signature(HOMES.get(name, entrakit.connect)).parameters
        value = inner.partition("=")[2]
        assert value in {"", "…"} or ast.literal_eval(value) is not None


@pytest.mark.parametrize("span", spans())
def test_each_code_span_has_words_of_the_shell(span: str) -> None:
    """
    Each becomes an option or a command, which exist.
    """
    shown = in_shell(span)
    words = shown.strip("`").split()

    assert span != shown
    if words[0] == "entra":
        command = read_command_line(words[1:]).node
        assert isinstance(command, Command)
        assert {word for word in words if word.startswith("--")} <= set(parser_of(command).options())
    else:
        known = {option for command in commands() for option in parser_of(command).options()}
        assert words[0].startswith("--")
        assert {word.rstrip(",") for word in words if word.startswith("--")} <= known


def test_each_option_of_the_table_exists() -> None:
    """
    The options and variables in the table of parameters are those of `entra connect`.
    """
    command = find("connect")
    assert isinstance(command, Command)
    known = set(parser_of(command).options())

    for one in BY_NAME.values():
        if one.option is not None:
            assert in_shell(f"`{one.name}`") in known, one
            assert {f"--{way}" for way in one.ways} <= known
    assert all(isinstance(read_command_line(words.split()[1:]).node, Command) for words in COMMANDS.values())
    assert set() == set(OPTIONS.values()) - {
        option for command in commands() for option in parser_of(command).options()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Add `save_secret=True`.", "Add --save-secret."),
        ("Name its file with `certificate_path`.", "Name its file with --certificate-path."),
        ("Without `prompt='none'`.", "Without --prompt none."),
        ("Use `certificate_name='my app'`.", "Use --certificate-name 'my app'."),
        (
            "Give it: `certificate_password=…`.",
            "Give it: --certificate-password-stdin or the variable AZURE_CLIENT_CERTIFICATE_PASSWORD.",
        ),
        (
            "Give it: `client_secret=…`.",
            "Give it: --client-secret-stdin, --client-secret-file or the variable AZURE_CLIENT_SECRET.",
        ),
        ("Give it: `cloud=…`.", "Give it: --cloud."),
        ("Add `certificate` or `certificate_name`.", "Add --certificate-name."),
        ("`disconnect('my job')`", "`entra disconnect 'my job'`"),
        ("`disconnect_all()`", "`entra disconnect --all`"),
        ("`connect()`", "`entra connect`"),
        ("`connect(client_id='a b', browser=True)`", "`entra connect --client-id 'a b' --browser`"),
        ("`get_connection('NAME')`", "--name NAME"),
        ("`key_from='file'` and `rekey()`", "--vault-key-from file and `entra vault rekey`"),
        # Other spans stay.
        ("`https://contoso.com`, `vault.json`, `{}`", "`https://contoso.com`, `vault.json`, `{}`"),
        ("`nothing`, `nothing()`, `nothing=1`", "`nothing`, `nothing()`, `nothing=1`"),
        ("`transport`, `cloud=a b`, `disconnect(x)`", "`transport`, `cloud=a b`, `disconnect(x)`"),
        ("No span, cloud", "No span, cloud"),
    ],
)
def test_spans_become_words(text: str, expected: str) -> None:
    """
    A parameter becomes its option, a call its command, ready to be pasted; all else stays as it is.
    """
    assert expected == in_shell(text)


def test_connecting_again_needs_the_settings() -> None:
    """
    An error that knows the connection gives the whole command; one that asks for a browser replaces the flow.
    """
    again = InteractionRequiredError("Over.", remedy="Connect again: `connect()`.").about(SETTINGS)
    browser = InteractionRequiredError("Over.", remedy="`connect(client_id='x', browser=True)`").about(SETTINGS)
    words = "entra connect --name job --client-id abc --tenant-id contoso.com"

    assert f"Connect again: `{words} --device-code`." == remedy_of(again)
    assert f"`{words} --browser`" == remedy_of(browser)


def test_only_errors_about_parameters_name_them_in_the_problem() -> None:
    """
    The problem of another error may repeat a service, whose words are not ours to change.
    """
    assert "--cloud is wrong." == problem_of(ParameterError("`cloud` is wrong."))
    assert "`cloud` is wrong." == problem_of(EntraError("`cloud` is wrong."))


@given(st.text(alphabet="`abcloud=('\"…) \\x") | st.text())
def test_any_text_is_survived(text: str) -> None:
    """
    No text of a service or a user breaks the words of an error.
    """
    in_shell(text, SETTINGS)
    in_shell(f"`connect({text})`, `cloud={text}`")
