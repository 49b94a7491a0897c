"""`entra vault path|check|rekey|export|import`: place, check, key, export and import of saved connections."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from entrakit.cli.options.output import add_output
from entrakit.cli.options.prompts import ask_secret, read_secret
from entrakit.cli.output.show import Rows, show
from entrakit.errors import NotConnectedError, ParameterError, VaultError

if TYPE_CHECKING:
    import argparse

    from entrakit import Secret
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser

PASSPHRASE_VARIABLE = "ENTRAKIT_EXPORT_PASSPHRASE"
MAX_EXPORT = 256 * 1024 * 1024


def arguments_path(parser: Parser) -> None:
    """Add the options of `entra vault path`."""
    add_output(parser, default="text")


def arguments_check(parser: Parser) -> None:
    """Add the options of `entra vault check`."""
    add_output(parser, default="text")


def arguments_rekey(parser: Parser) -> None:
    """Add the options of `entra vault rekey`."""
    add_output(parser, default="none")


def arguments_export(parser: Parser) -> None:
    """Add the options of `entra vault export`."""
    parser.add_argument("file", metavar="FILE", help="file to export to; - for a pipe")
    parser.add_argument(
        "--name", action="append", default=[], metavar="CONNECTION",
        help="connection to export (repeatable; default: all)",
    )  # fmt: skip
    _add_passphrase(parser)


def arguments_import(parser: Parser) -> None:
    """Add the options of `entra vault import`."""
    parser.add_argument("file", metavar="FILE", help="file to import from; - for a pipe")
    parser.add_argument("--replace", action="store_true", help="replace connections of the same names")
    parser.never_suggest("--replace")
    add_output(parser, default="none")
    _add_passphrase(parser)


def _add_passphrase(parser: Parser) -> None:
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help=f"file with the passphrase (env {PASSPHRASE_VARIABLE})"
    )
    parser.add_argument("--passphrase-stdin", action="store_true", help="read the passphrase from standard input")


def run_path(options: argparse.Namespace, context: Context) -> int:
    """Print the place of the vault."""
    vault = context.open_vault()
    where = {"kept_in": vault.place, "key_from": vault.key_source()}
    show(context, options, where, lambda: context.write(vault.place))
    return 0


def run_check(options: argparse.Namespace, context: Context) -> int:
    """Check the key and each connection, and print the findings."""
    from entrakit.cli.words import in_shell
    from entrakit.vault.upkeep import check

    vault = context.open_vault()
    findings = [one._replace(remedy=in_shell(one.remedy)) for one in check(vault)]
    bad = [one for one in findings if one.problem]
    cells = [(one.what, f"failed: {one.problem}" if one.problem else "ok") for one in findings]
    show(context, options, [one._asdict() for one in findings], rows=Rows(("WHAT", "RESULT"), cells))
    for one in bad:
        if one.remedy:
            context.info(f"Next, for {one.what}: {one.remedy}")
    context.info(f"Saved in {vault.place}; key: {vault.describe_key() if not bad else vault.key_source() or 'none'}.")
    return VaultError.exit_code if bad else 0


def run_rekey(options: argparse.Namespace, context: Context) -> int:
    """Encrypt all connections with a new key."""
    from entrakit.vault.upkeep import rekey

    vault = context.open_vault()
    count = rekey(vault)
    show(context, options, {"sealed_again": count, "key_from": vault.key_source()})
    if count:
        context.info(f"Encrypted {count} connection{'s' * (count != 1)} with a new key: {vault.describe_key()}.")
    else:
        context.info("All connections have this key already.")
    if "://" in vault.place and vault.key_source() != "environment":
        context.note("other hosts do not have this key. To share the vault, set a key in ENTRAKIT_VAULT_KEY.")
    return 0


def run_export(options: argparse.Namespace, context: Context) -> int:
    """Write connections to an encrypted file."""
    from entrakit.files.private import create_file
    from entrakit.vault import is_name
    from entrakit.vault.bundle import export

    vault = context.open_vault()
    if options.file != "-" and os.path.lexists(options.file):
        raise ParameterError(f"The file {options.file!r} exists already.", remedy="Name another one, or remove it.")
    names = options.name or [name for name in vault.names() if is_name(name)]
    if not names:
        raise NotConnectedError("There is no saved connection to export.", remedy="Connect with `entra connect`.")
    for name in names:
        vault.read_metadata(name)
    data = export(vault, names, _passphrase(options, context, new=True))
    if options.file == "-":
        context.streams.output.flush()
        getattr(context.streams.output, "buffer", sys.stdout.buffer).write(data)
    elif not create_file(os.path.abspath(options.file), data):
        raise ParameterError(f"The file {options.file!r} exists already.", remedy="Name another one, or remove it.")
    context.info(
        f"Exported {', '.join(sorted(names))}. Anyone with the file and its passphrase can use these connections."
    )
    return 0


def run_import(options: argparse.Namespace, context: Context) -> int:
    """Save the connections of a file."""
    from entrakit.vault.bundle import restore

    if options.file == "-" and options.passphrase_stdin:
        raise ParameterError(
            "File and passphrase can't both come from standard input.",
            remedy="Use --passphrase-file for the passphrase.",
        )
    data = _read(options.file, context)
    names = restore(context.open_vault(), data, _passphrase(options, context, new=False), replace=options.replace)
    show(context, options, {"imported": names})
    context.info(f"Imported {', '.join(names)}.")
    return 0


def _read(file: str, context: Context) -> bytes:
    if file == "-":
        stream = getattr(context.streams.input, "buffer", sys.stdin.buffer)
        return bytes(stream.read(MAX_EXPORT))
    try:
        with open(file, "rb") as stream:
            return stream.read(MAX_EXPORT)
    except OSError as error:
        raise ParameterError(f"{file!r} can't be read: {error.strerror}.", remedy="Name another file.") from error


def _passphrase(options: argparse.Namespace, context: Context, *, new: bool) -> Secret:
    """Return the passphrase from the source that the options name, else from the environment, else from a prompt."""
    from entrakit.secret import Secret

    if options.passphrase_stdin and options.passphrase_file:
        raise ParameterError("Give --passphrase-stdin or --passphrase-file, not both.", remedy="Leave one of them out.")
    if options.passphrase_stdin:
        return read_secret(context, "passphrase")
    if options.passphrase_file:
        return Secret.from_file(options.passphrase_file)
    if context.environ.get(PASSPHRASE_VARIABLE):
        # Unchanged, with a line break at its end: bundles of 0.1.0 were encrypted with it.
        return Secret(context.environ[PASSPHRASE_VARIABLE], f"env:{PASSPHRASE_VARIABLE}")
    instead = f"Give it with --passphrase-file, --passphrase-stdin or {PASSPHRASE_VARIABLE}."
    first = ask_secret(context, "passphrase of the file", instead)
    if new and ask_secret(context, "passphrase again", instead).reveal() != first.reveal():
        raise ParameterError("The two passphrases differ.", remedy="Try again.")
    return first
