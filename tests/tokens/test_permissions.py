"""Tables that describe permissions, roles and resources."""

from __future__ import annotations

from entrakit.tokens.permissions import BROADER, DIRECTORY_ROLES, RESOURCES, describe, known_permissions


def test_there_are_words_for_the_common_permissions() -> None:
    """
    At least 60 permissions have words, each for a person's token or an app's; names are compared without case.
    """
    assert len(known_permissions()) >= 60
    assert [] == [name for name in known_permissions() if not describe(name) and not describe(name, "application")]
    assert describe("User.Read.All") == describe("user.READ.all", "application") != ""
    assert "" == describe("Unheard.Of")
    assert "" == describe("User.Read", "application")


def test_the_tables_are_of_one_form() -> None:
    """
    Keys of the tables are in lower case; each broader permission is a known one, and each role id has 36 characters.
    """
    assert [] == [name for table in (RESOURCES, BROADER, DIRECTORY_ROLES) for name in table if name != name.lower()]
    assert [] == [name for name in RESOURCES if name.endswith("/")]
    assert set() == {broad.lower() for names in BROADER.values() for broad in names} - known_permissions()
    assert set() == BROADER.keys() - known_permissions()
    assert {36} == {len(role) for role in DIRECTORY_ROLES}
