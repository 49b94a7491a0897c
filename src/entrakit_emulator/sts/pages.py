"""The pages that a person sees: frame, headers, and one function for each page.

Nothing is loaded from anywhere; the only script sends the `form_post` answer and is named by its hash. Every value
that came from outside goes through `escape`.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from entrakit_emulator.sts import redirects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.responses import Response

    from entrakit_emulator.state.identities import App, Permission, User

_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
_SEND = "document.forms[0].submit()"
_BAND = "<strong>Emulator.</strong> A test tenant on this machine. Never type a real password here."


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE_HASH, _SEND_HASH = _hash(_STYLE), _hash(_SEND)


def respond(title: str, body: str, *, status: int = 200, targets: Iterable[str] = (), script: str = "") -> Response:
    """Return a page.

    Args:
        title: Title of the window; plain text.
        body: HTML inside the card.
        status: HTTP status.
        targets: Origins, beside our own, that its forms may end at: browsers follow the redirects of a form too.
        script: Hash of the one script that may run; empty for none.
    """
    html = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} (emulator)</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<div class="band" role="note">{_BAND}</div>\n<main>\n<div class="card">\n{body}\n</div>\n</main>\n'
        "</body>\n</html>\n"
    )
    policy = (
        f"default-src 'none'; style-src {_STYLE_HASH}; script-src {script or chr(39) + 'none' + chr(39)}; "
        f"form-action {' '.join(chr(39) + 'self' + chr(39) if one == 'self' else one for one in ('self', *targets))}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(
        html,
        status,
        {
            "content-security-policy": policy,
            # Not `no-referrer`: it would take the Origin header from our own forms, which we check.
            "referrer-policy": "same-origin",
            "x-frame-options": "DENY",
        },
    )


def form(action: str, hidden: Mapping[str, str], content: str) -> str:
    """Return a form that posts."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in hidden.items()
    )
    return f'<form method="post" action="{escape(action)}" autocomplete="on">\n{fields}{content}\n</form>'


def buttons(main: str, other: str = "Cancel", *, value: str = "go", other_value: str = "cancel") -> str:
    """Return the row of buttons at the end of a form; the main one is the one that Enter presses."""
    # The first submit button of a form is the one that Enter presses, and the row is laid out from the right.
    return (
        '<div class="actions">'
        f'<button class="main" name="action" value="{escape(value)}">{escape(main)}</button>'
        f'<button name="action" value="{escape(other_value)}" formnovalidate>{escape(other)}</button>'
        "</div>"
    )


def wrong(message: str) -> str:
    """Return the place where a page says what is wrong; read out by screen readers."""
    return f'<div class="wrong" id="wrong" role="alert" aria-live="assertive">{escape(message)}</div>'


def field(name: str, label: str, *, kind: str = "text", autocomplete: str, value: str = "", style: str = "") -> str:
    """Return a labelled field that takes the cursor."""
    return (
        f'<label for="{name}">{escape(label)}</label>\n'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{autocomplete}" value="{escape(value)}" '
        f'class="{style}" aria-describedby="wrong" autocapitalize="none" spellcheck="false" required autofocus>'
    )


def heading(tenant: str, title: str, lead: str = "") -> str:
    """Return the top of a card."""
    text = f"<p>{escape(lead)}</p>\n" if lead else ""
    return f'<p class="tenant">{escape(tenant)}</p>\n<h1>{escape(title)}</h1>\n{text}'


def account_list(people: Iterable[User], message: str) -> str:
    """Return who is signed in with this browser, to pick from."""
    items = "".join(
        f'<li><button name="account" value="{escape(user.object_id)}">{escape(user.display_name)}'
        f"<span>{escape(user.upn)}</span></button></li>\n"
        for user in people
    )
    other = '<li><button name="account" value="other">Use another account</button></li>\n'
    cancel = '<div class="actions"><button name="action" value="cancel">Cancel</button></div>'
    return f'{wrong(message)}<ul class="accounts">\n{items}{other}</ul>\n{cancel}'


def sign_in_name(people: Iterable[User], message: str, typed: str) -> str:
    """Return the question who the person is, with the people of the test tenant to look up."""
    rows = "".join(
        f"<dt>{escape(user.upn)}</dt>\n<dd>{escape(user.password or 'no password')}</dd>\n" for user in people
    )
    return (
        field("loginfmt", "Sign-in name", autocomplete="username", value=typed)
        + wrong(message)
        + buttons("Next")
        + f"<details><summary>Sign-in names and passwords of this test tenant</summary><dl>\n{rows}</dl></details>"
    )


def password(user_name: str, message: str) -> str:
    """Return the question for the password; the name stands in a field, so that a password safe knows whose it is."""
    return (
        '<label for="who">Sign-in name</label>\n'
        f'<input id="who" name="who" autocomplete="username" value="{escape(user_name)}" readonly>\n'
        + field("passwd", "Password", kind="password", autocomplete="current-password")
        + wrong(message)
        + buttons("Sign in")
        + '<p class="other"><button name="action" value="other" formnovalidate>Use another account</button></p>'
    )


def second_factor(message: str, mfa_code: str) -> str:
    """Return the question for the code of the second step."""
    return (
        field("otc", "Code", autocomplete="one-time-code", style="code")
        + wrong(message)
        + buttons("Verify")
        + "<details><summary>Where is my code?</summary>"
        + f"<p>Nobody sends one: in this test tenant it is always <b>{escape(mfa_code)}</b>.</p></details>"
    )


def permissions(items: Iterable[Permission], *, signs_in: bool, stays: bool) -> str:
    """Return the list of permissions, in words."""
    rows = [(one.title, one.text) for one in items]
    if signs_in:
        rows.append(("Sign you in and read your profile", "The app learns who you are: name, sign-in name, mail."))
    if stays:
        rows.append(("Keep the access that you give", "The app keeps it while you are not using the app."))
    items_html = "".join(f"<li><b>{escape(title)}</b>{escape(text)}</li>\n" for title, text in rows)
    return f'<ul class="permissions">\n{items_html}</ul>'


def consent(app: App, listed: str) -> str:
    """Return the question whether an app may have what it asks for."""
    return (
        f'<p><b>{escape(app.name)}</b><br><span class="quiet">Unverified, {escape(app.client_id)}</span></p>\n'
        f"<p>This app would like to:</p>\n{listed}\n"
        '<p class="quiet">If you accept, it may do so until you take the permission back.</p>'
        + buttons("Accept", value="accept", other_value="decline")
    )


def facts(rows: Mapping[str, str]) -> str:
    """Return names and values, for whoever has to find out what went wrong."""
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in rows.items()) + "</dl>"
    )


def form_post(uri: str, answer: Mapping[str, str]) -> Response:
    """Return the page that posts an answer to a redirect URI; by its button where no script runs."""
    body = (
        heading("Your answer goes back", "Back to the app", "If nothing happens, go on by hand.")
        + form(uri, answer, '<div class="actions"><button class="main">Continue</button></div>')
        + f"\n<script>{_SEND}</script>"
    )
    return respond("Back to the app", body, targets=[redirects.source(uri)], script=_SEND_HASH)
