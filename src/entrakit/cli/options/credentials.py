"""Credentials of `entra connect`: from a prompt, standard input, a file, or a variable; by options, else by variables.

Nothing that is given counts as not given: an option or a variable with an empty value, as a pipeline passes it for a
secret that does not exist, is an error. Otherwise another way to sign in, or another user, would be taken instead.
"""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from entrakit.cli.options.prompts import ask_secret, read_secret
from entrakit.errors import CertificatePasswordError, ParameterError
from entrakit.secret import Secret, UsernamePassword
from entrakit.sign_in.parameter_table import BY_NAME, PARAMETERS, SETS
from entrakit.sources import Environment, File

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.authority.clouds import Cloud
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.sign_in.parameter_table import Parameter, ParameterSet

# The variable that is read if no option says where the secret is.
_VARIABLES = {
    "client_secret": "AZURE_CLIENT_SECRET",
    "certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "password": "AZURE_PASSWORD",
}
PASSPHRASE_VARIABLE = "ENTRAKIT_EXPORT_PASSPHRASE"
_ENDS = ("stdin", "file", "env")
# Options of a source, by the end of their name: placeholder and help.
_SOURCES = {
    "file": ("FILE", "file that contains the token"),
    "env": ("NAME", "variable that contains the token"),
    "command": ("COMMAND", "program with arguments that writes the token"),
}
_PATH, _USERNAME = "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME"
# The variables of each way to sign in that the environment can select; the first is taken.
WAY_VARIABLES = (("AZURE_CLIENT_SECRET",), (_PATH,), (_USERNAME, "AZURE_PASSWORD"))
CREDENTIALS = ("AZURE_CLIENT_SECRET", _PATH, _USERNAME, "AZURE_PASSWORD")


def add_sources(group: argparse._ArgumentGroup, name: str, ways: Sequence[str] = _ENDS) -> None:
    """Add the options that say where a secret is.

    Args:
        group: The group of options.
        name: The secret: `client_secret`.
        ways: Where it can be: `stdin`, `file`, `env`.
    """
    option, words = f"--{name.replace('_', '-')}", _words(name)
    if "stdin" in ways:
        group.add_argument(f"{option}-stdin", action="store_true", help=f"read the {words} from standard input")
    if "file" in ways:
        group.add_argument(f"{option}-file", type=not_empty, metavar="FILE", help=f"file with the {words}")
    if "env" in ways:
        default = f" (default: {_VARIABLES[name]})" if name in _VARIABLES else ""
        group.add_argument(f"{option}-env", type=not_empty, metavar="NAME", help=f"variable with the {words}{default}")


def add_other_ways(parser: Parser) -> None:
    """Add the options of the ways to sign in that have none yet, from their rows in the table of parameters."""
    for one in _other_ways(parser.options()):
        group = parser.add_argument_group(BY_NAME[one.chosen_by[0]].help.partition(":")[0].partition(",")[0])
        for name in one.chosen_by + one.options:
            row = BY_NAME[name]
            if row.is_source:
                _add_source(group, row)
            elif row.ways:
                add_sources(group, name, _ends_of(row))
            elif row.option is not None:
                option = f"--{row.option or name.replace('_', '-')}"
                group.add_argument(option, dest=name, help=row.help, **_kind_of(row))


def _kind_of(row: Parameter) -> dict[str, Any]:
    """Return the settings of an option for a parameter: a switch, or one with a value, which may be left out."""
    if not row.value:
        return {"action": "store_true"}
    may_be_left_out = {"nargs": "?", "const": True} if row.value.startswith("[") else {}
    return {"type": not_empty, "metavar": row.value.strip("[]"), **may_be_left_out}


def _other_ways(known: Sequence[str]) -> list[ParameterSet]:
    """Return the parameter sets without a known option."""
    found = []
    for one in SETS:
        rows = [BY_NAME[name] for name in one.chosen_by]
        options = [f"--{way}" for row in rows for way in (row.ways or (row.option or row.name.replace("_", "-"),))]
        if not set(options) & set(known):
            found.append(one)
    return found


def _add_source(group: argparse._ArgumentGroup, row: Parameter) -> None:
    """Add the options of a parameter whose value says where something is."""
    first, *others = row.ways
    group.add_argument(
        f"--{first}", type=not_empty, metavar=row.value.strip("[]"), nargs="?", const=True, help=row.help
    )
    for way in others:
        end = way.rpartition("-")[2]
        value, help_text = _SOURCES[end]
        group.add_argument(f"--{way}", dest=f"{row.name}_{end}", type=not_empty, metavar=value, help=help_text)


def other_sources(options: argparse.Namespace) -> dict[str, object]:
    """Return the parameters whose values say where something is, from their options.

    Raises:
        ParameterError: Two options name different places, or a program is not one.
    """
    found: dict[str, object] = {}
    for row in (one for one in PARAMETERS if one.is_source):
        ends = [way.rpartition("-")[2] for way in row.ways[1:]]
        values = [getattr(options, row.name), *(getattr(options, f"{row.name}_{end}") for end in ends)]
        given = [f"--{way}" for way, value in zip(row.ways, values, strict=True) if value is not None]
        if len(given) > 1:
            raise ParameterError(f"{' and '.join(given)} name different sources.", remedy="Keep one of them.")
        for way, end, value in zip(row.ways, ["", *ends], values, strict=True):
            if value is not None:
                found[row.name] = _source(value, end, f"--{way}")
    return found


def _source(value: str, end: str, option: str) -> object:
    """Return the source that the option with this end of its name gives."""
    match end:
        case "file":
            return File(value)
        case "env":
            return Environment(value)
        case "command":
            return words_of(value, option)
    return value


def words_of(text: str, option: str) -> list[str]:
    """Return a program and its arguments from the value of an option. Raises ParameterError if they are not words."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ParameterError(f"{option} has an unclosed quotation mark.") from error
    if text and not words:
        raise ParameterError(f"{option} is empty.", remedy="Name a program and its arguments.")
    return words


def _ends_of(row: Parameter) -> list[str]:
    return [way.rpartition("-")[2] for way in row.ways]


def other_secrets(options: argparse.Namespace, context: Context) -> dict[str, Secret]:
    """Return the secrets of the other ways to sign in that the options give.

    Raises:
        ParameterError: One of them is missing, empty, or given twice.
    """
    names = [one.name for one in PARAMETERS if one.ways and not one.is_source and one.name not in _VARIABLES]
    found = {name: _given(options, name, context) for name in names}
    return {name: secret for name, secret in found.items() if secret is not None}


def not_empty(text: str) -> str:
    """Return the value of an option. Raise ArgumentTypeError if it is empty."""
    if not text:
        raise argparse.ArgumentTypeError("the value is empty")
    return text


def has_source(options: argparse.Namespace, name: str) -> bool:
    """Return whether an option says where a secret is."""
    return bool(_sources(options, name))


def variable(name: str, context: Context) -> str | None:
    """Return the value of a variable; None if it is not set.

    Raises:
        ParameterError: It is set, but empty.
    """
    context.refuse_empty(name)
    return context.environ.get(name)


def client_secret(options: argparse.Namespace, context: Context) -> Secret | None:
    """Return the client secret that the options give; None if they give none.

    Raises:
        ParameterError: It is missing, empty, given twice, or on the command line.
    """
    instead = "Use --client-secret-stdin, --client-secret-file or the variable AZURE_CLIENT_SECRET."
    if options.client_secret:
        raise ParameterError(
            "A secret can't be given on the command line, where other users can see it.", remedy=instead
        )
    found = _given(options, "client_secret", context)
    if found is None and options.client_secret == "":
        return ask_secret(context, "client secret", instead)
    return found


def certificate_password(options: argparse.Namespace, context: Context, *, needs_one: bool) -> Secret | None:
    """Return the password of the certificate; None if there is none.

    Args:
        options: Options of the command.
        context: Context of the command.
        needs_one: Whether the variable counts, because the certificate can have a password.

    Raises:
        ParameterError: It is empty, or given twice.
    """
    found = _given(options, "certificate_password", context)
    name = _VARIABLES["certificate_password"]
    # A file without a password is usual, so an empty variable says that it has none.
    return found or (Secret.from_env(name, context.environ) if needs_one and context.environ.get(name) else None)


def missing_password(error: CertificatePasswordError, context: Context) -> Secret:
    """Return the password of a certificate, which the user types.

    Args:
        error: The error of the sign-in without it.
        context: Context of the command.

    Raises:
        CertificatePasswordError: There is no terminal.
    """
    if context.is_terminal(context.streams.input):
        from entrakit.cli.words import remedy_of

        return ask_secret(context, "certificate password", remedy_of(error, context.environ))
    name = _VARIABLES["certificate_password"]
    if context.environ.get(name) == "":
        remedy = f"{name} is set, but empty. {error.remedy}"
        raise CertificatePasswordError(error.problem, remedy=remedy) from error
    raise error


def username_password(options: argparse.Namespace, context: Context) -> UsernamePassword | None:
    """Return the user name and password that the options give; None if they give none.

    Raises:
        ParameterError: One of them is missing, empty, or given twice.
    """
    if not options.username and not has_source(options, "password"):
        return None
    username = options.username or variable(_USERNAME, context)
    if not username:
        raise ParameterError(f"{_sources(options, 'password')[0]} requires a user name.", remedy="Add --username NAME.")
    password = _given(options, "password", context)
    if password is None and context.environ.get("AZURE_PASSWORD"):
        password = Secret.from_env("AZURE_PASSWORD", context.environ)
    if password is None and not context.is_terminal(context.streams.input):
        context.refuse_empty("AZURE_PASSWORD")
    instead = "Use --password-stdin or the variable AZURE_PASSWORD."
    return UsernamePassword(username, password or ask_secret(context, "password", instead))


def from_environment(context: Context, *, verb: str) -> dict[str, object]:
    """Return the parameters that the environment gives. Of several ways to sign in, take the first, and report it.

    Args:
        context: Context of the command.
        verb: First word of the report.

    Raises:
        ParameterError: A variable is set but empty, and no other one says how to sign in.
    """
    environ = context.environ
    found: list[tuple[str, dict[str, object]]] = []
    if environ.get("AZURE_CLIENT_SECRET"):
        found.append(("AZURE_CLIENT_SECRET", {"client_secret": Secret.from_env("AZURE_CLIENT_SECRET", environ)}))
    if environ.get(_PATH):
        found.append((_PATH, {"certificate_path": environ[_PATH]}))
    if environ.get(_USERNAME) and environ.get("AZURE_PASSWORD"):
        credential = UsernamePassword(environ[_USERNAME], Secret.from_env("AZURE_PASSWORD", environ))
        found.append((f"{_USERNAME} and AZURE_PASSWORD", {"credential": credential}))
    if found:
        ignored = ", ".join(name for name, _ in found[1:])
        context.note(f"{verb} {found[0][0]}" + (f"; {ignored} not used." if ignored else "."))
        return found[0][1]
    context.refuse_empty(*CREDENTIALS)
    return {}


def required(value: str | None, name: str, option: str, context: Context) -> str:
    """Return the value of an option, or else of a variable. Raises ParameterError if it is missing or empty."""
    found = value or variable(name, context)
    if not found:
        raise ParameterError(
            f"{option} is missing.",
            remedy=f"Give it, or set {name}. Example: entra connect --client-id Graph --tenant-id contoso.com",
        )
    return found


def addresses(options: argparse.Namespace, context: Context) -> tuple[Cloud, str]:
    """Return the cloud and the address of Graph, from the options or else from variables, which are reported.

    Raises:
        ParameterError: A variable is set but empty, or the cloud does not exist.
    """
    from entrakit.authority.clouds import find_cloud

    cloud, graph_url = find_cloud(options.cloud or "global"), options.graph_url
    if not options.cloud and not options.authority_url:
        cloud = find_cloud(variable("AZURE_AUTHORITY_HOST", context) or "global")
        if cloud.name != "global":
            context.note(f"AZURE_AUTHORITY_HOST selects {cloud.authority}.")
    if not graph_url:
        graph_url = variable("ENTRAKIT_GRAPH_URL", context)
        if graph_url:
            context.note(f"ENTRAKIT_GRAPH_URL selects {graph_url} for Microsoft Graph.")
    return cloud.at(options.authority_url) if options.authority_url else cloud, graph_url or ""


def login_hint(context: Context) -> dict[str, object]:
    """Return the parameter with the user whom a variable names, which is reported; empty if none does."""
    username = context.environ.get(_USERNAME)
    if not username:
        return {}
    context.note(f"{_USERNAME} names the user {username}.")
    return {"login_hint": username}


def bundle_passphrase(options: argparse.Namespace, context: Context, *, is_new: bool) -> Secret:
    """Return the passphrase of exported connections: from the source that the options name, a variable, or a prompt.

    Args:
        options: Options of the command.
        context: Context of the command.
        is_new: Whether a user has to type it twice.

    Raises:
        ParameterError: It is missing, given twice, or the user typed two different ones.
    """
    if options.passphrase_stdin and options.passphrase_file:
        raise ParameterError("Give --passphrase-stdin or --passphrase-file, not both.", remedy="Leave one of them out.")
    if options.passphrase_stdin:
        return read_secret(context, "passphrase")
    if options.passphrase_file:
        return Secret.from_file(options.passphrase_file)
    if context.environ.get(PASSPHRASE_VARIABLE):
        # Unchanged, with a line break at its end: bundles of 0.1.0 were encrypted with it.
        return Secret(context.environ[PASSPHRASE_VARIABLE], f"env:{PASSPHRASE_VARIABLE}")
    if not context.is_terminal(context.streams.input):
        context.refuse_empty(PASSPHRASE_VARIABLE)
    instead = f"Give it with --passphrase-file, --passphrase-stdin or {PASSPHRASE_VARIABLE}."
    first = ask_secret(context, "passphrase of the file", instead)
    if is_new and ask_secret(context, "passphrase again", instead).reveal() != first.reveal():
        raise ParameterError("The two passphrases differ.", remedy="Try again.")
    return first


def _words(name: str) -> str:
    """Return the name of a secret in messages."""
    return (BY_NAME[name].words if name in BY_NAME else "") or name.replace("_", " ")


def _given(options: argparse.Namespace, name: str, context: Context) -> Secret | None:
    """Return the secret from where an option says that it is; None if no option does."""
    sources, words = _sources(options, name), _words(name)
    if len(sources) > 1:
        raise ParameterError(f"{' and '.join(sources)} both give the {words}.", remedy="Keep one of them.")
    file, env = getattr(options, f"{name}_file", None), getattr(options, f"{name}_env", None)
    if getattr(options, f"{name}_stdin", False):
        return read_secret(context, words)
    if file:
        return Secret.from_file(file)
    return Secret.from_env(env, context.environ) if env else None


def _sources(options: argparse.Namespace, name: str) -> list[str]:
    """Return the options that say where a secret is, as the user typed them."""
    ends = [end for end in _ENDS if getattr(options, f"{name}_{end}", None)]
    found = [f"--{name.replace('_', '-')}-{end}" for end in ends]
    return ["--client-secret", *found] if name == "client_secret" and options.client_secret is not None else found
