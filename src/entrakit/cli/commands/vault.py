"""`entra vault path|check|rekey|export|import`: place, check, key, export and import of saved connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.cli.options.credentials import PASSPHRASE_VARIABLE, bundle_passphrase, not_empty
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Note, Result, Rows, Work
from entrakit.errors import ExportError, NotConnectedError, ParameterError, VaultError

# An export is never larger.
MAX_EXPORT = 256 * 1024 * 1024

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps


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
        "--passphrase-file", type=not_empty, metavar="FILE",
        help=f"file with the passphrase (env {PASSPHRASE_VARIABLE})",
    )  # fmt: skip
    parser.add_argument("--passphrase-stdin", action="store_true", help="read the passphrase from standard input")


def work_path(options: argparse.Namespace, context: Context) -> Work:
    """Return the printing of the place of the vault."""
    del options
    return Work(_path(context))


def _path(context: Context) -> Steps:
    vault = context.open_vault()
    yield Result({"kept_in": vault.place, "key_from": vault.key_source()}, (vault.place,))
    return 0


def work_check(options: argparse.Namespace, context: Context) -> Work:
    """Return the check of the key and of each connection."""
    del options
    return Work(_check(context))


def _check(context: Context) -> Steps:
    from entrakit.cli.words import in_shell
    from entrakit.vault.upkeep import check

    vault = context.open_vault()
    findings = [one._replace(remedy=in_shell(one.remedy)) for one in check(vault)]
    bad = [one for one in findings if one.problem]
    cells = [(one.what, f"failed: {one.problem}" if one.problem else "ok") for one in findings]
    yield Result([one._asdict() for one in findings], table=Rows(("WHAT", "RESULT"), cells))
    yield from (f"Next, for {one.what}: {one.remedy}" for one in bad if one.remedy)
    yield f"Saved in {vault.place}; key: {vault.describe_key() if not bad else vault.key_source() or 'none'}."
    return VaultError.exit_code if bad else 0


def work_rekey(options: argparse.Namespace, context: Context) -> Work:
    """Return the encryption of all connections with a new key."""
    del options
    return Work(_rekey(context))


def _rekey(context: Context) -> Steps:
    from entrakit.vault.upkeep import rekey

    vault = context.open_vault()
    count = rekey(vault)
    yield Result({"sealed_again": count, "key_from": vault.key_source()})
    if count:
        yield f"Encrypted {count} connection{'s' * (count != 1)} with a new key: {vault.describe_key()}."
    else:
        yield "All connections have this key already."
    if "://" in vault.place and vault.key_source() != "environment":
        yield Note("other hosts do not have this key. To share the vault, set a key in ENTRAKIT_VAULT_KEY.")
    return 0


def work_export(options: argparse.Namespace, context: Context) -> Work:
    """Return the writing of connections to an encrypted file."""
    target = ""
    if options.file != "-":
        from entrakit.files.result import check_target

        target = check_target(options.file)
        if os.path.lexists(options.file):
            raise _exists(options.file)
    return Work(_export(options, context, target))


def _export(options: argparse.Namespace, context: Context, target: str) -> Steps:
    from entrakit.vault import is_name
    from entrakit.vault.bundle import export

    vault = context.open_vault()
    names = options.name or [name for name in vault.names() if is_name(name)]
    if not names:
        raise NotConnectedError("There is no saved connection to export.", remedy="Connect with `entra connect`.")
    for name in names:
        vault.read_metadata(name)
    data = export(vault, names, bundle_passphrase(options, context, is_new=True))
    if options.file == "-":
        yield Result(None, (data,))
    else:
        _write_new(target, data)
    yield f"Exported {', '.join(sorted(names))}. Anyone with the file and its passphrase can use these connections."
    return 0


def _write_new(file: str, data: bytes) -> None:
    """Write a file that does not exist yet."""
    from entrakit.files.private import create_file

    try:
        is_written = create_file(file, data)
    except VaultError as error:
        raise ExportError(error.problem, remedy="Name a file in a directory that can be written.") from error
    if not is_written:
        raise _exists(file)


def _exists(file: str) -> ParameterError:
    return ParameterError(f"The file {file!r} exists already.", remedy="Name another one, or remove it.")


def work_import(options: argparse.Namespace, context: Context) -> Work:
    """Return the saving of the connections of a file."""
    if options.file == "-" and options.passphrase_stdin:
        raise ParameterError(
            "File and passphrase can't both come from standard input.",
            remedy="Use --passphrase-file for the passphrase.",
        )
    return Work(_import(options, context))


def _import(options: argparse.Namespace, context: Context) -> Steps:
    from entrakit.cli.options.body import read_input
    from entrakit.vault.bundle import restore

    data = read_input(context, options.file, "The file", MAX_EXPORT)
    passphrase = bundle_passphrase(options, context, is_new=False)
    names = restore(context.open_vault(), data, passphrase, replace=options.replace)
    yield Result({"imported": names})
    yield f"Imported {', '.join(names)}."
    return 0
