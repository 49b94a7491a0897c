"""The HTML pages: frame, headers, and one function for each page.

Pages load no other files. The only script sends the `form_post` answer, and the policy allows it by its hash. Every
value from outside is escaped.
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
        body: Content of the card, HTML.
        status: HTTP status.
        targets: Further origins that the page's forms may lead to; browsers check the redirects after a form, too.
        script: Hash of the only allowed script; empty if there is none.
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
            # Not `no-referrer`, which would remove the Origin header that forms of these pages are checked by.
            "referrer-policy": "same-origin",
            "x-frame-options": "DENY",
        },
    )


def form(action: str, hidden: Mapping[str, str], content: str) -> str:
    """Return a form with the method POST."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in hidden.items()
    )
    return f'<form method="post" action="{escape(action)}" autocomplete="on">\n{fields}{content}\n</form>'


def buttons(main: str, other: str = "Cancel", *, value: str = "go", other_value: str = "cancel") -> str:
    """Return the buttons at the end of a form; the Enter key presses the main one."""
    # Enter presses the first submit button of a form; the row is laid out from the right.
    return (
        '<div class="actions">'
        f'<button class="main" name="action" value="{escape(value)}">{escape(main)}</button>'
        f'<button name="action" value="{escape(other_value)}" formnovalidate>{escape(other)}</button>'
        "</div>"
    )


def wrong(message: str) -> str:
    """Return the element with the error message, which screen readers read out."""
    return f'<div class="wrong" id="wrong" role="alert" aria-live="assertive">{escape(message)}</div>'


def field(name: str, label: str, *, kind: str = "text", autocomplete: str, value: str = "", style: str = "") -> str:
    """Return a labelled field with the focus."""
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
    """Return the list of the users signed in with this browser."""
    items = "".join(
        f'<li><button name="account" value="{escape(user.object_id)}">{escape(user.display_name)}'
        f"<span>{escape(user.upn)}</span></button></li>\n"
        for user in people
    )
    other = '<li><button name="account" value="other">Use another account</button></li>\n'
    cancel = '<div class="actions"><button name="action" value="cancel">Cancel</button></div>'
    return f'{wrong(message)}<ul class="accounts">\n{items}{other}</ul>\n{cancel}'


def sign_in_name(people: Iterable[User], message: str, typed: str) -> str:
    """Return the form for the sign-in name, with a list of the test tenant's users."""
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
    """Return the form for the password; it contains the name, so that a password manager finds the entry."""
    return (
        '<label for="who">Sign-in name</label>\n'
        f'<input id="who" name="who" autocomplete="username" value="{escape(user_name)}" readonly>\n'
        + field("passwd", "Password", kind="password", autocomplete="current-password")
        + wrong(message)
        + buttons("Sign in")
        + '<p class="other"><button name="action" value="other" formnovalidate>Use another account</button></p>'
    )


def second_factor(message: str, mfa_code: str) -> str:
    """Return the form for the code of the second factor."""
    return (
        field("otc", "Code", autocomplete="one-time-code", style="code")
        + wrong(message)
        + buttons("Verify")
        + "<details><summary>Where is my code?</summary>"
        + f"<p>No code is sent: in this test tenant it is always <b>{escape(mfa_code)}</b>.</p></details>"
    )


def permissions(items: Iterable[Permission], *, signs_in: bool, stays: bool) -> str:
    """Return the list of permissions with their descriptions."""
    rows = [(one.title, one.text) for one in items]
    if signs_in:
        rows.append(("Sign you in and read your profile", "The app reads your name, sign-in name and mail address."))
    if stays:
        rows.append(("Keep the access that you give", "The app has access also while you are not using it."))
    items_html = "".join(f"<li><b>{escape(title)}</b>{escape(text)}</li>\n" for title, text in rows)
    return f'<ul class="permissions">\n{items_html}</ul>'


def consent(app: App, listed: str) -> str:
    """Return the consent form of an app."""
    return (
        f'<p><b>{escape(app.name)}</b><br><span class="quiet">Unverified, {escape(app.client_id)}</span></p>\n'
        f"<p>This app would like to:</p>\n{listed}\n"
        '<p class="quiet">If you accept, the app has these permissions until you withdraw them.</p>'
        + buttons("Accept", value="accept", other_value="decline")
    )


def consent_for_everybody(app: App, listed: str) -> str:
    """Return the consent form of an app for an administrator."""
    return (
        f'<p><b>{escape(app.name)}</b><br><span class="quiet">Unverified, {escape(app.client_id)}</span></p>\n'
        f"<p>This app would like to:</p>\n{listed}\n"
        '<p class="quiet">If you accept, the app has these permissions for all users of your organization. '
        "Other users do not see this page.</p>" + buttons("Accept", value="accept", other_value="decline")
    )


def facts(rows: Mapping[str, str]) -> str:
    """Return a list of names and values, for support."""
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in rows.items()) + "</dl>"
    )


def form_post(uri: str, answer: Mapping[str, str]) -> Response:
    """Return the page that posts an answer to a redirect URI; without scripts, by its button."""
    body = (
        heading("Your answer is sent to the app", "Back to the app", "If nothing happens, press the button.")
        + form(uri, answer, '<div class="actions"><button class="main">Continue</button></div>')
        + f"\n<script>{_SEND}</script>"
    )
    return respond("Back to the app", body, targets=[redirects.source(uri)], script=_SEND_HASH)
