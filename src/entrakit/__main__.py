"""`python -m entrakit` is the `entra` command."""

from entrakit.cli import run

run()
