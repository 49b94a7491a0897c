"""The agent of Azure Arc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.emulator.identity.conftest import challenged_file, secret_in

from entrakit_emulator import faults
from entrakit_emulator.identity.arc import Arc, agent_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program

METADATA = {"Metadata": "true"}


def test_a_request_is_challenged(on: Callable[..., Program], tmp_path: Path) -> None:
    """
    The first answer is 401 and names a new file, which only this user can read. A request with its content gets a
    token, and all values are strings.
    """
    program = on("arc")

    response = program.ask()
    file = Path(challenged_file(response))
    mode = file.stat().st_mode & 0o777
    body = program.answered()

    assert (401, "unauthorized_client") == (response.status_code, response.json()["error"])
    assert (tmp_path / "tokens", ".key", 0o600) == (file.parent, file.suffix, mode if os.name == "posix" else 0o600)
    assert file.stat().st_size <= 4096
    assert all(isinstance(value, str) for value in body.values())
    assert {"expires_in", "expires_on", "not_before"} <= set(body)


def test_a_file_answers_one_challenge(on: Callable[..., Program]) -> None:
    """
    The content is accepted once; after that, as for a wrong content, there is a new challenge.
    """
    program = on("arc")
    headers = METADATA | {"Authorization": f"Basic {secret_in(program.ask())}"}

    first = program.ask("", headers)
    again = program.ask("", headers)
    wrong = program.ask("", METADATA | {"Authorization": "Basic wrong"})

    assert [200, 401, 401] == [first.status_code, again.status_code, wrong.status_code]
    assert secret_in(again)


@pytest.mark.parametrize("name", ["client_id", "object_id", "msi_res_id"])
def test_a_new_agent_repeats_the_id(caller: Caller, on: Callable[..., Program], name: str) -> None:
    """
    A user-assigned identity is selected by its ids, and the answer confirms the one that was used.
    """
    (user,) = caller.tenant.identity.users
    value = {"client_id": user.client_id, "object_id": user.object_id}.get(name, user.resource_id)

    body = on("arc").answered(**{name: value})

    assert (value, user.client_id) == (body[name], caller.claims(body["access_token"])["appid"])


def test_an_old_agent_ignores_the_id(caller: Caller, on: Callable[..., Program]) -> None:
    """
    An old agent silently returns a token of the system-assigned identity, and does not name it.
    """
    body = on("arc", is_old=True).answered(client_id=caller.tenant.user_identity)

    assert caller.tenant.system_identity == caller.claims(body["access_token"])["appid"]
    assert "client_id" not in body


def test_the_name_of_app_service_is_ignored(caller: Caller, on: Callable[..., Program]) -> None:
    """
    `mi_res_id` is not a parameter of the agent.
    """
    (user,) = caller.tenant.identity.users

    body = on("arc").answered(mi_res_id=user.resource_id)

    assert caller.tenant.system_identity == caller.claims(body["access_token"])["appid"]


@pytest.mark.parametrize("which", ["unknown", "system", "none"])
def test_an_unknown_identity_is_refused_at_once(caller: Caller, on: Callable[..., Program], which: str) -> None:
    """
    404 comes before the challenge: for an unknown id, for the id of the system-assigned identity, and without any.
    """
    changes = {}
    if which == "none":
        caller.tenant.seed.remove_identity(caller.tenant.system_identity)
    else:
        changes["client_id"] = caller.tenant.system_identity if which == "system" else "1-2-3"

    assert 404 == on("arc").ask(**changes).status_code


def test_the_header_is_required(on: Callable[..., Program]) -> None:
    """
    A request without `Metadata: true` is refused, and not challenged.
    """
    assert 400 == on("arc").ask("", {}).status_code


def test_errors_of_the_token_service_are_passed_on(on: Callable[..., Program]) -> None:
    """
    An unknown resource is refused after the challenge.
    """
    program = on("arc")
    secret = secret_in(program.ask(resource="https://nothing.example"))

    response = program.ask("", METADATA | {"Authorization": f"Basic {secret}"}, resource="https://nothing.example")

    assert "invalid_resource" == response.json()["error"]


@pytest.mark.parametrize("form", faults.ChallengeFile.forms)
def test_a_challenge_can_be_one_to_refuse(
    caller: Caller, on: Callable[..., Program], tmp_path: Path, form: str
) -> None:
    """
    Each form of the fault breaks one rule for challenge files, and only that one.
    """
    caller.tenant.faults.add(faults.ChallengeFile(form=form))
    program = on("arc")

    header = program.ask().headers["www-authenticate"]
    text = header.partition("realm=")[2]
    file, tokens = Path(text), tmp_path / "tokens"

    assert ("unnamed" == form) == ("realm" not in header)
    if form == "unnamed":
        return
    inside = os.path.dirname(text) == str(tokens)
    assert (form in ("elsewhere", "upwards")) == (not inside)
    assert ("upwards" == form) == text.startswith(f"{tokens}/../")
    assert ("ending" == form) == (file.suffix != ".key")
    assert ("missing" == form) == (not file.exists())
    assert ("large" == form) == (file.exists() and file.stat().st_size > 4096)
    assert program.answered()["access_token"]


def test_files_are_removed(tmp_path: Path) -> None:
    """
    At the end the directories that were made are gone; others stay.
    """
    (tmp_path / "there").mkdir()
    arc = Arc(tmp_path / "there" / "agent" / "tokens", is_old=False)
    arc.remove()

    assert [] == list((tmp_path / "there").iterdir())


def test_two_tenants_share_the_directory(on: Callable[..., Program], tmp_path: Path) -> None:
    """
    A tenant continues after another one has removed the directory that both use.
    """
    other = Arc(tmp_path / "tokens", is_old=False)
    program = on("arc")
    other.remove()

    assert not (tmp_path / "tokens").exists()
    assert program.answered()["access_token"]


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """
    The host does not start without its directory.
    """
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        Arc(tmp_path / "file" / "tokens", is_old=False)


def test_the_directory_of_the_agent_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The place of the files depends on the system.
    """
    monkeypatch.setenv("PROGRAMDATA", "C:/ProgramData")
    monkeypatch.setattr("sys.platform", "linux")
    linux = agent_directory()
    monkeypatch.setattr("sys.platform", "win32")

    assert "/var/opt/azcmagent/tokens" == linux.as_posix()
    assert "C:/ProgramData/AzureConnectedMachineAgent/Tokens" == agent_directory().as_posix()
