"""Seeds of managed identities, and their service principals in Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entrakit_emulator import contoso, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program


def principal(caller: Caller, object_id: str) -> dict[str, Any]:
    """Return a service principal as Graph shows it to the confidential app."""
    token = caller.app_token().json()["access_token"]
    body: dict[str, Any] = caller.graph(token, f"/v1.0/servicePrincipals/{object_id}").json()
    return body


def test_seeded_identities_are_service_principals(caller: Caller) -> None:
    """
    Graph shows both seeded identities with their type and Azure resource, and no app registration.
    """
    (user,) = caller.tenant.identity.users
    system = caller.tenant.identity.system
    assert system is not None

    for one, is_explicit, resource in (
        (system, "False", contoso.MACHINE_ID), (user, "True", contoso.USER_IDENTITY_ID)
    ):  # fmt: skip
        shown = principal(caller, one.object_id)

        assert ("ManagedIdentity", [f"isExplicit={is_explicit}", resource], one.client_id, None) == tuple(
            shown[name] for name in ("servicePrincipalType", "alternativeNames", "appId", "appOwnerOrganizationId")
        )
        token = caller.app_token().json()["access_token"]
        assert 404 == caller.graph(token, f"/v1.0/applications(appId='{one.client_id}')").status_code


def test_an_added_identity_has_tokens_with_its_roles(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A new identity has no roles; granted ones are in its tokens.
    """
    added = caller.tenant.seed.add_identity("contoso-batch")
    program = on("imds")
    bare = caller.claims(program.answered(client_id=added.client_id, resource=contoso.API_URI)["access_token"])
    caller.tenant.seed.grant_roles(added.client_id, "https://graph.microsoft.com", ["User.ReadWrite.All"])

    claims = caller.claims(program.answered(client_id=added.client_id)["access_token"])

    assert "roles" not in bare
    assert ["User.ReadWrite.All"] == claims["roles"]
    assert "contoso-batch" == principal(caller, added.object_id)["displayName"]


def test_a_system_assigned_identity_replaces_the_seeded_one(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A host has one system-assigned identity: the last one that was added.
    """
    added = caller.tenant.seed.add_identity("contoso-new-machine", is_user_assigned=False)

    assert added.client_id == on("imds").answered()["client_id"]
    assert "/virtualMachines/contoso-new-machine" in added.resource_id


def test_the_control_plane_adds_and_removes(caller: Caller) -> None:
    """
    Both steps work through the control plane; a removed identity is gone from Graph, too.
    """
    client_id = "0d1cf3ac-5f31-4b4e-9d7b-6b8b3d0c8e11"
    added = caller.control("POST", "seed", [{"do": "add_identity", "name": "one", "client_id": client_id}])
    object_id = caller.tenant.identity.users[-1].object_id
    shown = principal(caller, object_id)["appId"]
    removed = caller.control("POST", "seed", [{"do": "remove_identity", "client_id": client_id}])

    assert (200, client_id, 200) == (added.status_code, shown, removed.status_code)
    assert "error" in principal(caller, object_id)


def test_identities_are_in_a_snapshot(caller: Caller, tmp_path: Path) -> None:
    """
    A tenant that starts from a snapshot has its identities, with their ids and roles.
    """
    added = caller.tenant.seed.add_identity("contoso-batch")
    caller.tenant.seed.remove_identity(caller.tenant.system_identity)
    caller.tenant.snapshot(str(tmp_path / "tenant.json"))

    with start(restore=str(tmp_path / "tenant.json")) as restored:
        assert [caller.tenant.user_identity, added.client_id] == [one.client_id for one in restored.identity.users]
        assert added == restored.identity.users[-1]
        assert restored.identity.system is None


def test_an_identity_can_be_deleted_and_restored_in_graph(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A host gives no tokens of an identity whose service principal is in the bin.
    """
    caller.tenant.seed.grant_roles(
        caller.tenant.confidential_client, "https://graph.microsoft.com", ["Application.ReadWrite.All"]
    )
    headers = {"Authorization": f"Bearer {caller.app_token().json()['access_token']}"}
    (user,) = caller.tenant.identity.users
    program = on("imds")

    caller.http.delete(f"/v1.0/servicePrincipals/{user.object_id}", headers=headers).raise_for_status()
    gone = program.ask(client_id=user.client_id).status_code
    caller.http.post(f"/v1.0/directory/deletedItems/{user.object_id}/restore", headers=headers).raise_for_status()

    assert 400 == gone
    assert user.client_id == program.answered(client_id=user.client_id)["client_id"]


def test_wrong_seeds_are_refused(caller: Caller) -> None:
    """
    An id of another kind of resource, and the removal of something else, are errors.
    """
    seed = caller.tenant.seed

    with pytest.raises(ValueError, match="is not the id of a resource of that kind"):
        seed.add_identity("one", resource_id=contoso.MACHINE_ID)
    for client_id in ("unknown", caller.tenant.confidential_client):
        with pytest.raises(ValueError, match="Unknown managed identity"):
            seed.remove_identity(client_id)


def test_an_identity_cannot_sign_in_by_itself(caller: Caller) -> None:
    """
    A managed identity has no secret that the token endpoint accepts.
    """
    response = caller.app_token(client_id=caller.tenant.system_identity)

    assert "access_token" not in response.json()
