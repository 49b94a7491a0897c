"""Users and groups in bulk, the same in every run: for paging, for speed, for tests with a whole tenant."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

from entrakit_emulator.graph.schema import security_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator.state.store import Store

    JSON = dict[str, object]

GIVEN = (
    "Ada Alan Barbara Boris Clara Claude Dana Donald Edith Edsger Frances Fred Grace Guido Hedy Haskell "
    "Ida Ivan Jean John Katherine Ken Lise Linus Margaret Marvin Niklaus Nina Olga Oskar Paula Peter "
    "Quentin Radia Ralph Sofia Steve Tara Tony Ursula Ulf Vera Viktor Wanda Walter Xenia Yves Yara Zoe "
    "Zeno"
)
FAMILY = (
    "Abel Berg Costa Dahl Engel Fischer Garcia Hansen Ibsen Jensen Keller Larsen Moreau Nakamura Olsen "
    "Petrov Quist Rossi Santos Tanaka Ueda Vargas Weber Xu Yilmaz Zhang"
)
DEPARTMENTS = ("Engineering", "Sales", "Finance", "Legal", "Operations", "Research", "Support", "People")
TITLES = ("Engineer", "Manager", "Analyst", "Director", "Assistant", "Architect", "Consultant")
OFFICES = ("12/1104", "18/2111", "20/1109", "131/1101", "23/3101")
COUNTRIES = ("DK", "DE", "FR", "JP", "US", "BR")
BORN = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
MEMBERS = 100
LARGE = 5_000


def identifier(text: str) -> str:
    """Return an id derived from a name, in the form of a version 4 GUID."""
    digits = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def users(tenant: str, domain: str, count: int) -> Iterator[JSON]:
    """Yield a number of users of a tenant."""
    given, family = GIVEN.split(), FAMILY.split()
    for number in range(count):
        first, last = given[number % len(given)], family[number // len(given) % len(family)]
        nickname = f"{first}.{last}{number}".lower()
        upn, guest = f"{nickname}@{domain}", number % 97 == 13
        born = (BORN + datetime.timedelta(minutes=37 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        mail = f"{nickname}@fabrikam.example" if guest else upn
        yield {
            "id": identifier(f"{tenant} user {number}"),
            "accountEnabled": number % 23 != 7,
            "businessPhones": [f"+45 {number % 100_000_000:08}"] if number % 3 else [],
            "city": "Copenhagen" if number % 2 else None,
            "companyName": "Contoso",
            "country": COUNTRIES[number % len(COUNTRIES)],
            "createdDateTime": born,
            "creationType": "Invitation" if guest else None,
            "department": DEPARTMENTS[number % len(DEPARTMENTS)],
            "displayName": f"{first} {last} {number}",
            "employeeId": str(100_000 + number),
            "givenName": first,
            "jobTitle": TITLES[number % len(TITLES)],
            "mail": mail,
            "mailNickname": nickname,
            "mobilePhone": None,
            "officeLocation": OFFICES[number % len(OFFICES)],
            "otherMails": [mail] if guest else [],
            "preferredLanguage": "en-US",
            "proxyAddresses": [f"SMTP:{mail}"],
            "surname": last,
            "usageLocation": COUNTRIES[number % len(COUNTRIES)],
            "userPrincipalName": f"{nickname}_fabrikam.example#EXT#@{domain}" if guest else upn,
            "userType": "Guest" if guest else "Member",
        }


def groups(tenant: str, count: int) -> Iterator[JSON]:
    """Yield a number of security groups of a tenant."""
    for number in range(count):
        object_id = identifier(f"{tenant} group {number}")
        born = (BORN + datetime.timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield {
            "id": object_id,
            "createdDateTime": born,
            "description": f"Members of team {number}",
            "displayName": f"Team {number}",
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": f"{'abcdefghijklmnopqrstuvwxyz'[number % 26]}team{number}",
            "renewedDateTime": born,
            "securityEnabled": True,
            "securityIdentifier": security_identifier(object_id),
        }


def plant(store: Store, tenant: str, domain: str, count: int, now: float) -> None:
    """Add users to a tenant, and a group for each hundred of them; the first group is a large one.

    Args:
        store: The directory.
        tenant: The tenant.
        domain: Its domain.
        count: Number of users.
        now: The tenant's time.
    """
    if not count:
        return
    teams = max(1, count // MEMBERS)
    store.put_many(tenant, "user", users(tenant, domain, count), now)
    store.put_many(tenant, "group", groups(tenant, teams), now)
    ids = [identifier(f"{tenant} user {number}") for number in range(count)]
    first = identifier(f"{tenant} group 0")
    store.link_many("member", ((first, member) for member in ids[:LARGE]), now)
    others = (
        (identifier(f"{tenant} group {team}"), member)
        for team in range(1, teams)
        for member in ids[team * MEMBERS : (team + 1) * MEMBERS]
    )
    store.link_many("member", others, now)
    owners = ((identifier(f"{tenant} group {team}"), ids[team % count]) for team in range(teams))
    store.link_many("owner", owners, now)
