"""Stand-ins for the tools of Azure: real programs on the PATH that record how they are run, and answer from files."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from entrakit.tokens import base64url

if TYPE_CHECKING:
    from pathlib import Path

# It appends a line for each call, and then does what the files next to it say; `clock` and `mint` make it give a new
# token each time.
PROGRAM = """#!{python}
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
def text(name):
    try:
        with open(os.path.join(here, name)) as file: return file.read()
    except FileNotFoundError: return ""
call = json.dumps({{"name": os.path.basename(__file__), "words": sys.argv[1:], "environ": dict(os.environ),
                   "directory": os.getcwd(), "input": sys.stdin.read()}})
with open(os.path.join(here, "calls"), "a") as log: log.write(call + "\\n")
if "--tenant" in sys.argv and text("only_tenant"):
    sys.exit("ERROR: Tenant shouldn't be specified for managed identity account")
if text("hang"):
    import subprocess
    subprocess.run(["sleep", text("hang")])
if text("mint"):
    now = float(text("clock"))
    with open(os.path.join(here, "calls")) as log: count = len(log.readlines())
    print(json.dumps({{"accessToken": text("mint") + str(count), "expires_on": int(now + 3600)}}))
sys.stdout.write(text("output"))
sys.stderr.write(text("errors"))
sys.exit(int(text("code") or 0))
"""


class FakeTools:
    """A folder with programs that are called `az`, `azd` and `pwsh`.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("az", "azd", "pwsh"):
            (folder / name).write_text(PROGRAM.format(python=sys.executable))
            (folder / name).chmod(0o755)

    @property
    def calls(self) -> list[dict[str, object]]:
        """How they were run so far: name, words, environ, directory and input of each call."""
        file = self.folder / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def words(self) -> list[str]:
        """Return the arguments of the last call."""
        words = self.calls[-1]["words"]
        assert isinstance(words, list)
        return words

    def set(self, name: str, text: object) -> None:
        """Write a file that says what they do: output, errors, code, hang, clock, mint or only_tenant."""
        new = self.folder / f"{name}.new"
        new.write_text(str(text))
        new.replace(self.folder / name)

    def give(self, **answer: object) -> None:
        """Let them write a JSON object and succeed."""
        self.set("output", json.dumps(answer, indent=2))
        self.set("code", 0)
        self.set("errors", "")

    def fail(self, errors: str, *, output: str = "", code: int = 1) -> None:
        """Let them fail."""
        self.set("output", output)
        self.set("errors", errors)
        self.set("code", code)


def token_with(**claims: object) -> str:
    """Return a token with the given claims, whose signature nobody can check."""
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    return ".".join([*(base64url.encode(json.dumps(part).encode()) for part in parts), "canary"])
