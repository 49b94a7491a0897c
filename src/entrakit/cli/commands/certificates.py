"""`entra certificates`: the certificates in the stores of this machine."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from entrakit.cli.logs import only_ours
from entrakit.cli.options.credentials import not_empty
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Rows, Work

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from entrakit.certificates.stores.inventory import InventoryItem
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps

COLUMNS = ("SUBJECT", "SHA-1", "SHA-256", "UNTIL", "KEY", "EXPORTABLE", "STORE", "SCOPE", "PLACE", "USABLE")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--certificate-store", default="", metavar="STORE", help="only this kind of store, or user or computer"
    )
    parser.add_argument("--pkcs11-module", type=not_empty, metavar="FILE", help="PKCS#11 module whose tokens to list")
    add_output(parser, default="text")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the list of certificates."""
    return Work(_list(options, context))


def _list(options: argparse.Namespace, context: Context) -> Steps:
    """List the certificates: a block for each on a terminal, a line for each in a pipe."""
    from entrakit.certificates.stores.inventory import list_certificates

    context.refuse_empty("ENTRAKIT_HOME", "ENTRAKIT_MACHINE_CERTIFICATES")
    # The modules of tokens, and the libraries below them, write lines, too.
    with only_ours() if context.owns_process and not options.verbose and not options.debug else nullcontext():
        found = list_certificates(
            options.certificate_store, options.pkcs11_module or "", now=time.time(), environ=context.environ
        )
    rows = Rows(COLUMNS, [_row(one) for one in found])
    blocks = _blocks(found) if context.is_terminal(context.streams.output) else ()
    yield Result([_as_json(one) for one in found], blocks, rows)
    if not found:
        yield "No store of this machine contains a certificate."
    return 0


def _row(one: InventoryItem) -> tuple[str, ...]:
    certificate = one.certificate
    named = ("", "", "", "")
    if certificate is not None:
        until = f"{certificate.not_after:%Y-%m-%d}"
        named = (certificate.subject, certificate.thumbprint, certificate.thumbprint_sha256, until)
    usable = f"no: {one.problem}" if one.problem else "yes"
    return (*named, one.key, _exportable(one), one.kind, one.scope, one.place, usable)


def _blocks(found: Sequence[InventoryItem]) -> list[str]:
    lines = []
    for one in found:
        subject, sha1, sha256, until, key, exportable, kind, scope, place, usable = _row(one)
        facts = [
            ("SHA-1", sha1),
            ("SHA-256", sha256),
            ("until", until),
            ("key", key and f"{key}, exportable: {exportable}"),
            ("store", f"{kind} ({scope})"),
            ("place", place),
            ("usable", usable),
        ]
        lines += [subject or place, *(f"  {label:<8} {value}" for label, value in facts if value)]
    return lines


def _exportable(one: InventoryItem) -> str:
    return {True: "yes", False: "no", None: "not known"}[one.is_exportable]


def _as_json(one: InventoryItem) -> dict[str, object]:
    certificate = one.certificate
    return {
        "subject": certificate.subject if certificate else None,
        "thumbprint": certificate.thumbprint if certificate else None,
        "thumbprint_sha256": certificate.thumbprint_sha256 if certificate else None,
        "not_before": certificate.not_before.isoformat() if certificate else None,
        "not_after": certificate.not_after.isoformat() if certificate else None,
        "key": one.key,
        "exportable": one.is_exportable,
        "store": one.kind,
        "scope": one.scope,
        "place": one.place,
        "usable": not one.problem,
        "problem": one.problem,
    }
