"""Federated credentials of app registrations and of service principals, such as those of managed identities."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, denied, not_found
from entrakit_emulator.graph.kind import KINDS, Row
from entrakit_emulator.graph.objects import found
from entrakit_emulator.graph.permissions import APP_READ, APP_WRITE
from entrakit_emulator.graph.registered_apps import app_of, known_app, put_app
from entrakit_emulator.state.identities import App, FederatedCredential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]

NAME = "federatedIdentityCredentials"
TYPE = "FederatedIdentityCredential"
MOST = 20
# Properties in the order of the service, and the longest value of each.
LENGTHS = {"id": 36, "name": 120, "issuer": 600, "subject": 600, "description": 600, "audiences": 600}
_FILTER = re.compile(r"\s*(id|name|subject)\s+eq\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)


def list_all(call: Call, key: str, kind: str) -> Reply:
    """List the credentials."""
    app = _app(call, key, kind)
    shown = [_shown(call, one) for one in app.federated if _fits(call, one)]
    return Reply(200, {"@odata.context": _context(call, key, kind), "value": shown})


def count(call: Call, key: str, kind: str) -> Reply:
    """Return the number of credentials, as plain text."""
    return Reply(200, str(len(_app(call, key, kind).federated)))


def get(call: Call, key: str, credential: str, kind: str) -> Reply:
    """Return a credential, by its id or by `name=` and its name."""
    one = _one(_app(call, key, kind), credential)
    return Reply(200, {"@odata.context": f"{_context(call, key, kind)}/$entity", **_shown(call, one)})


def create(call: Call, key: str, kind: str) -> Reply:
    """Add a credential."""
    app = _writable(call, key, kind)
    return _add(call, key, kind, app, call.json())


def update(call: Call, key: str, credential: str, kind: str) -> Reply:
    """Change a credential; with `Prefer: create-if-missing`, one that its name addresses is added if it is missing."""
    app, given = _writable(call, key, kind), call.json()
    name = credential.removeprefix("name=")
    is_missing = not any(name == one.name for one in app.federated)
    if credential != name and is_missing and call.prefers("create-if-missing"):
        return _add(call, key, kind, app, {**given, "name": name})
    old = _one(app, credential)
    values = _checked(given)
    if values.get("name", old.name) != old.name:
        raise bad_request("Name is immutable and cannot be changed after creation.")
    new = _made(old.credential_id, _document(old) | values)
    others = tuple(one for one in app.federated if one is not old)
    _check_pair(new, others)
    put_app(call, replace(app, federated=tuple(new if one is old else one for one in app.federated)))
    return Reply(204)


def delete(call: Call, key: str, credential: str, kind: str) -> Reply:
    """Remove a credential."""
    app = _writable(call, key, kind)
    old = _one(app, credential)
    put_app(call, replace(app, federated=tuple(one for one in app.federated if one is not old)))
    return Reply(204)


def federated_rows(kind: str) -> tuple[Row, ...]:
    """Return the addresses of a kind whose objects have federated credentials."""
    return (
        Row("GET", f"*/{NAME}", partial(list_all, kind=kind), APP_READ),
        Row("POST", f"*/{NAME}", partial(create, kind=kind), APP_WRITE),
        Row("GET", f"*/{NAME}/$count", partial(count, kind=kind), APP_READ),
        Row("GET", f"*/{NAME}/*", partial(get, kind=kind), APP_READ),
        Row("PATCH", f"*/{NAME}/*", partial(update, kind=kind), APP_WRITE),
        Row("DELETE", f"*/{NAME}/*", partial(delete, kind=kind), APP_WRITE),
    )


def _add(call: Call, key: str, kind: str, app: App, given: Mapping[str, object]) -> Reply:
    values = _checked(given)
    for name in ("name", "issuer", "subject", "audiences"):
        if name not in values:
            raise bad_request(f"A value is required for property '{name}' of resource '{TYPE}'.")
    new = _made(str(uuid4()), {"description": None} | values)
    if any(one.name == new.name for one in app.federated):
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", f"{TYPE} with name {new.name} already exists.")
    _check_pair(new, app.federated)
    if len(app.federated) >= MOST:
        raise GraphError(
            403, "Directory_ResourceSizeExceeded",
            "The size of the object has exceeded its limit. Please reduce the number of values and retry your request.",
        )  # fmt: skip
    put_app(call, replace(app, federated=(*app.federated, new)))
    return Reply(201, {"@odata.context": f"{_context(call, key, kind)}/$entity", **_document(new)})


def _app(call: Call, key: str, kind: str) -> App:
    stored = found(call, key, (kind,))
    return known_app(call, stored) or app_of(call, stored)


def _writable(call: Call, key: str, kind: str) -> App:
    app = _app(call, key, kind)
    if app.client_id in app_documents.FIRST_PARTY:
        raise denied()
    return app


def _one(app: App, key: str) -> FederatedCredential:
    name = key.removeprefix("name=")
    for one in app.federated:
        if key.lower() == one.credential_id or (name != key and name == one.name):
            return one
    raise not_found(name)


def _checked(given: Mapping[str, object]) -> JSON:
    """Return the properties in a body. Raises GraphError (400) for one that does not exist or does not fit."""
    values: JSON = {}
    for name, value in given.items():
        if name.startswith("@odata."):
            continue
        _check_name(name, "Request_BadRequest")
        text = value[0] if name == "audiences" and isinstance(value, list) and len(value) == 1 else value
        is_cleared = name == "description" and value is None
        fits = is_cleared or (isinstance(text, str) and 0 < len(text) <= LENGTHS[name])
        if name == "id" or not fits or (name == "audiences" and not isinstance(value, list)):
            raise bad_request(f"Invalid value specified for property '{name}' of resource '{TYPE}'.")
        if name == "name" and not re.fullmatch(r"[A-Za-z0-9._~-]+", str(value)):
            raise bad_request("Name value is not a valid URI last segment.")
        values[name] = value
    return values


def _check_name(name: str, code: str) -> None:
    """Check that a property exists. Raises GraphError (400)."""
    if name not in LENGTHS:
        message = f"Could not find a property named '{name}' on type 'microsoft.graph.federatedIdentityCredential'."
        raise GraphError(400, code, message)


def _check_pair(new: FederatedCredential, others: tuple[FederatedCredential, ...]) -> None:
    if any((one.issuer, one.subject) == (new.issuer, new.subject) for one in others):
        raise bad_request("The combination of issuer and subject must be unique on the application.")


def _made(credential_id: str, values: Mapping[str, object]) -> FederatedCredential:
    audiences, description = values["audiences"], values["description"]
    return FederatedCredential(
        credential_id, str(values["name"]), str(values["issuer"]), str(values["subject"]),
        str(audiences[0]) if isinstance(audiences, list) else "", None if description is None else str(description),
    )  # fmt: skip


def _document(one: FederatedCredential) -> JSON:
    return {
        "id": one.credential_id, "name": one.name, "issuer": one.issuer, "subject": one.subject,
        "description": one.description, "audiences": [one.audience],
    }  # fmt: skip


def _shown(call: Call, one: FederatedCredential) -> JSON:
    """Return the selected properties of a credential."""
    unknown = set(call.options) - {"$filter", "$select"}
    if unknown:
        raise NotImplementedHereError(f"Microsoft Graph's {min(unknown)} of {NAME}")
    names = [name.strip() for name in call.options.get("$select", ",".join(LENGTHS)).split(",")]
    for name in names:
        _check_name(name, "BadRequest")
    return {name: value for name, value in _document(one).items() if name in names}


def _fits(call: Call, one: FederatedCredential) -> bool:
    """Return whether a credential fits the filter of a request: `eq` of id, name or subject."""
    text = call.options.get("$filter")
    if text is None:
        return True
    condition = _FILTER.fullmatch(text)
    if condition is None:
        raise NotImplementedHereError(f"Microsoft Graph's filter of {NAME} other than eq of id, name or subject")
    return _document(one)[condition[1].lower()] == condition[2].replace("''", "'")


def _context(call: Call, key: str, kind: str) -> str:
    return f"{call.root}/$metadata#{KINDS[kind].collection}('{found(call, key, (kind,)).id}')/{NAME}"
