"""`entra vault path|check|rekey|export|import`: place, check, key, export and import of saved connections."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from entrakit.cli.options.prompts import ask_secret, read_secret
from entrakit.errors import NotConnectedError, ParameterError, VaultError

if TYPE_CHECKING:
    import argparse

    from entrakit import Secret
    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser
    from entrakit.vault import Vault

ACTIONS = ("path", "check", "rekey", "export", "import")
PASSPHRASE_VARIABLE = "ENTRAKIT_EXPORT_PASSPHRASE"
MAX_EXPORT = 256 * 1024 * 1024


def arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="path, check, rekey, export or import")
    parser.add_argument("file", metavar="FILE", nargs="?", help="file to export to or import from (- for a pipe)")
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help="export only this (repeatable)")
    parser.add_argument("--replace", action="store_true", help="import in place of connections of the same names")
    parser.add_argument("--passphrase-file", metavar="FILE", help=f"passphrase in a file (env {PASSPHRASE_VARIABLE})")
    parser.add_argument("--passphrase-stdin", action="store_true", help="passphrase on standard input")


def run(options: argparse.Namespace, context: Context) -> int:
    """Run an action on the vault."""
    moves = options.action in ("export", "import")
    if moves and not options.file:
        raise ParameterError(
            f"The file to {options.action} is missing.", remedy=f"Type `entra vault {options.action} FILE`."
        )
    stray = [
        name for name in ("file", "name", "replace", "passphrase_file", "passphrase_stdin") if getattr(options, name)
    ]
    if not moves and stray:
        raise ParameterError(f"`entra vault {options.action}` takes no file and no option of its own.")
    vault = context.open_vault()
    actions = {"path": _path, "check": _check, "rekey": _rekey, "export": _export, "import": _import}
    return actions[options.action](options, context, vault)


def _path(options: argparse.Namespace, context: Context, vault: Vault) -> int:
    del options
    if context.as_json:
        context.give_json({"kept_in": vault.place, "key_from": vault.key_source()})
    else:
        context.give(vault.place)
    return 0


def _check(options: argparse.Namespace, context: Context, vault: Vault) -> int:
    from entrakit.cli.output.tables import give_table
    from entrakit.cli.words import in_shell
    from entrakit.vault.upkeep import check

    del options
    findings = [one._replace(remedy=in_shell(one.remedy)) for one in check(vault)]
    bad = [one for one in findings if one.problem]
    if context.as_json:
        context.give_json([one._asdict() for one in findings])
    else:
        give_table(
            context,
            ("WHAT", "RESULT"),
            [(one.what, f"failed: {one.problem}" if one.problem else "ok") for one in findings],
        )
    for one in bad:
        if one.remedy:
            context.tell(f"Next, for {one.what}: {one.remedy}")
    context.tell(f"Kept in {vault.place}; key: {vault.describe_key() if not bad else vault.key_source() or 'none'}.")
    return VaultError.exit_code if bad else 0


def _rekey(options: argparse.Namespace, context: Context, vault: Vault) -> int:
    from entrakit.vault.upkeep import rekey

    del options
    count = rekey(vault)
    if context.as_json:
        context.give_json({"sealed_again": count, "key_from": vault.key_source()})
    if count:
        context.tell(f"Sealed {count} connections with a new key: {vault.describe_key()}.")
    else:
        context.tell("Nothing had to be sealed again.")
    if "://" in vault.place and vault.key_source() != "environment":
        context.tell("Note: other hosts do not have this key; with one in ENTRAKIT_VAULT_KEY they can share the vault.")
    return 0


def _export(options: argparse.Namespace, context: Context, vault: Vault) -> int:
    from entrakit.files.private import create_file
    from entrakit.vault import is_name
    from entrakit.vault.bundle import export

    if options.replace:
        raise ParameterError("--replace goes with `entra vault import`.")
    if options.file != "-" and os.path.lexists(options.file):
        raise ParameterError(f"There is already a file {options.file!r}.", remedy="Name another one, or remove it.")
    names = options.name or [name for name in vault.names() if is_name(name)]
    if not names:
        raise NotConnectedError("There is no connection to export.", remedy="Connect with `entra connect`.")
    for name in names:
        vault.read_metadata(name)
    data = export(vault, names, _passphrase(options, context, new=True))
    if options.file == "-":
        context.streams.output.flush()
        getattr(context.streams.output, "buffer", sys.stdout.buffer).write(data)
    elif not create_file(os.path.abspath(options.file), data):
        raise ParameterError(f"There is already a file {options.file!r}.", remedy="Name another one, or remove it.")
    context.tell(f"Exported {', '.join(sorted(names))}. Whoever has the file and its passphrase has these connections.")
    return 0


def _import(options: argparse.Namespace, context: Context, vault: Vault) -> int:
    from entrakit.vault.bundle import restore

    if options.name:
        raise ParameterError("--name goes with `entra vault export`.")
    if options.file == "-" and options.passphrase_stdin:
        raise ParameterError("File and passphrase can't both come from standard input.")
    data = _read(options.file, context)
    names = restore(vault, data, _passphrase(options, context, new=False), replace=options.replace)
    if context.as_json:
        context.give_json({"imported": names})
    context.tell(f"Imported {', '.join(names)}.")
    return 0


def _read(file: str, context: Context) -> bytes:
    if file == "-":
        stream = getattr(context.streams.input, "buffer", sys.stdin.buffer)
        return bytes(stream.read(MAX_EXPORT))
    try:
        with open(file, "rb") as stream:
            return stream.read(MAX_EXPORT)
    except OSError as error:
        raise ParameterError(f"{file!r} can't be read: {error.strerror}.") from error


def _passphrase(options: argparse.Namespace, context: Context, *, new: bool) -> Secret:
    """Return the passphrase from the source that the options name, else from the environment, else from a prompt."""
    from entrakit.secret import Secret

    if options.passphrase_stdin and options.passphrase_file:
        raise ParameterError("Give --passphrase-stdin or --passphrase-file, not both.")
    if options.passphrase_stdin:
        return read_secret(context, "passphrase")
    if options.passphrase_file:
        return Secret.from_file(options.passphrase_file)
    if context.environ.get(PASSPHRASE_VARIABLE):
        return Secret.from_env(PASSPHRASE_VARIABLE, context.environ)
    instead = f"Give it with --passphrase-file, --passphrase-stdin or {PASSPHRASE_VARIABLE}."
    first = ask_secret(context, "passphrase of the file", instead)
    if new and ask_secret(context, "passphrase again", instead).reveal() != first.reveal():
        raise ParameterError("The two passphrases differ.", remedy="Try again.")
    return first
