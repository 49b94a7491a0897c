"""The documentation matches the program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import entrakit
from entrakit.cli.command_line import read_command_line
from entrakit.cli.command_table import Command, commands
from entrakit.cli.parser import parser_of
from entrakit.cli.words import in_shell
from entrakit.sign_in.parameter_table import PARAMETERS, SETS

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("script", ["write-command-reference", "write-error-reference"])
def test_generated_pages_are_up_to_date(script: str) -> None:
    """
    The generated pages equal the output of `make docs`.
    """
    done = subprocess.run([sys.executable, ROOT / "scripts" / script, "--check"], check=False, capture_output=True)

    assert 0 == done.returncode, f"run `make docs`: {done.stderr.decode()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """
    Every relative link of a page leads to a file of the repository.
    """
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_on_a_page_exist(page: Path) -> None:
    """
    The commands and options in the examples of a page exist.
    """
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"(?:^\$ |`|\| )(?:[A-Z_]+=\S+ )?(entra [a-z][^`|\n]*)", text, re.MULTILINE):
        words = re.split(r"[\s,:]+", line)
        command = read_command_line([word for word in words[1:] if word != "COMMAND"]).node
        assert command is not None or "COMMAND" in words, line
        known = set(parser_of(command).options()) if isinstance(command, Command) else set()
        assert set() == {word for word in words if word.startswith("--")} - known, line


def test_every_command_is_documented() -> None:
    """
    Each command occurs in a page that is not generated.
    """
    written = "".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "commands.md")

    assert [] == [one.path for one in commands() if f"entra {one.path}" not in written]


def test_every_parameter_has_its_option_or_reason() -> None:
    """
    Each parameter of a set has an option of `entra connect`; a certificate object and callbacks can't be typed.
    """
    in_sets = {name for one in SETS for name in one.chosen_by + one.options}
    without = {one.name for one in PARAMETERS if one.option is None}
    options = set(parser_of(commands()[0]).options())

    assert {"certificate", "on_device_code", "on_passed_over"} == in_sets & without
    assert {"transport", "vault", "clock"} == without - in_sets
    assert set() == {in_shell(f"`{one.name}`") for one in PARAMETERS if one.option is not None} - options


def test_the_readme_names_what_is_public() -> None:
    """
    The README imports `connect`, which is public.
    """
    assert "from entrakit import connect" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "connect" in entrakit.__all__


TEXTS = sorted(
    [*PAGES, ROOT / "SECURITY.md", ROOT / "Makefile"]
    + [path for folder in ("src", "scripts", "bench", "tests/interop") for path in (ROOT / folder).rglob("*.*")]
)
# A token in an argument of a program can be read by every user of the machine: `$(entra token)`, `-H "… Bearer …"`.
_SUBSTITUTED = re.compile(r"\$\(\s*entra token|`entra token[^`\n]*`[^\n]*\bhttps?://")
_IN_ARGUMENT = re.compile(r"(?:curl|wget|Invoke-\w+)\b[^\n|]*Bearer ", re.IGNORECASE)


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix in ("", ".md", ".py", ".ps1", ".sh")], ids=str)
def test_no_example_puts_a_token_in_an_argument(path: Path) -> None:
    """
    Examples hand a token to another program through a pipe, and never as an argument.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""

    assert [] == [*_SUBSTITUTED.findall(text), *_IN_ARGUMENT.findall(text)]


def test_the_examples_hand_the_header_to_curl_through_a_pipe() -> None:
    """
    `curl -H @-` reads the header from standard input.
    """
    for page in ("README.md", "docs/guides/jobs-and-pipelines.md", "docs/reference/commands.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert re.search(r"entra token (--name \w+ )?--output header \| curl -H @- https://", text)
