"""The agent of Azure Arc. A client proves that it may read the agent's files: it sends back the content of one."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from entrakit_emulator.identity import assigned
from entrakit_emulator.identity.imds import PATH, body, check_metadata_request
from entrakit_emulator.identity.refusals import HostError
from entrakit_emulator.identity.tokens import token_of
from entrakit_emulator.sts.errors import ServiceError, error_response

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App

OLDEST = "2019-11-01"
# The agent ignores other spellings.
SELECTORS = {
    "client_id": assigned.CLIENT_ID, "object_id": assigned.OBJECT_ID, "msi_res_id": assigned.RESOURCE_ID
}  # fmt: skip
LIMIT = 4096
MAX_CHALLENGES = 100


def agent_directory() -> Path:
    """Return the directory of challenge files of the real agent."""
    if sys.platform == "win32":
        return Path(os.environ["PROGRAMDATA"]) / "AzureConnectedMachineAgent" / "Tokens"
    return Path("/var/opt/azcmagent/tokens")


class Arc:
    """The endpoint of a machine outside of Azure.

    Args:
        directory: Directory of the challenge files; it is created if necessary.
        is_old: Whether the agent is older than user-assigned identities: it ignores ids, and does not repeat them.

    Raises:
        OSError: The directory can't be created, or nothing can be written into it.
    """

    kind = "arc"
    path = PATH

    def __init__(self, directory: Path, *, is_old: bool) -> None:
        self._is_old = is_old
        self._directory = directory
        # Directories that the real agent would have made, from the deepest.
        self._made = [one for one in (directory, *directory.parents) if not one.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        self._elsewhere = tempfile.TemporaryDirectory(prefix="entra-emulator-")
        self._challenges: dict[str, Path] = {}
        # An error now is better than one in an answer.
        tempfile.TemporaryFile(dir=directory).close()

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of a machine."""
        return {"IDENTITY_ENDPOINT": f"{origin}{self.path}", "IMDS_ENDPOINT": origin}

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused; 401 is the challenge.
        """
        check_metadata_request(exchange, OLDEST)
        app = self._identity(exchange)
        scheme, _, secret = exchange.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise self._challenge(exchange, "Missing Basic Authorization header")
        file = self._challenges.pop(secret, None)
        if file is None:
            raise self._challenge(exchange, "Invalid Basic Authorization header")
        file.unlink(missing_ok=True)
        try:
            token = token_of(exchange, app, exchange.query["resource"])
        except ServiceError as error:
            return error_response(exchange, error)
        told = body(exchange, app, token)
        if self._is_old:
            told = {name: value for name, value in told.items() if name not in ("client_id", *SELECTORS)}
        return exchange.json(told)

    def remove(self) -> None:
        """Remove the files and directories that were made."""
        for file in self._challenges.values():
            file.unlink(missing_ok=True)
        for directory in self._made:
            # Another tenant can have files in it.
            with contextlib.suppress(OSError):
                directory.rmdir()
        self._elsewhere.cleanup()

    def _identity(self, exchange: Exchange) -> App:
        world = exchange.world
        try:
            # The agent refuses the id of its system-assigned identity.
            app = None if self._is_old else assigned.selected(exchange, SELECTORS, assigned.user_assigned(world))
        except LookupError as error:
            raise HostError(404, "not_found", "Identity not found") from error
        app = app or assigned.system_assigned(world)
        if app is None:
            raise HostError(404, "not_found", "Identity not found")
        return app

    def _challenge(self, exchange: Exchange, message: str) -> HostError:
        """Write a challenge file, and return the challenge that names it."""
        fault = exchange.world.faults.take_challenge_file()
        form = fault.form if fault else ""
        name = f"{uuid.uuid4()}{'.txt' if form == 'ending' else '.key'}"
        elsewhere = Path(self._elsewhere.name)
        file = (elsewhere if form in ("elsewhere", "upwards") else self._directory) / name
        secret = secrets.token_hex(LIMIT if form == "large" else 32)
        # Another tenant that made the directory removes it at its end.
        self._directory.mkdir(parents=True, exist_ok=True)
        if form != "missing":
            file.touch(mode=0o600)
            file.write_text(secret, encoding="ascii")
        self._challenges[secret] = file
        if len(self._challenges) > MAX_CHALLENGES:
            self._challenges.pop(next(iter(self._challenges))).unlink(missing_ok=True)
        shown = f"{self._directory}/{os.path.relpath(file, self._directory)}" if form == "upwards" else str(file)
        challenge = "Basic" if form == "unnamed" else f"Basic realm={shown}"
        return HostError(401, "unauthorized_client", message, {"www-authenticate": challenge})
