"""The page that the user sees at the end of a browser sign-in: self-contained, without script, light and dark."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode

from entrakit.shown_text import lines

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f3f5f8; --card: #fff; --line: #d5dbe3;
  --good: #0f7b43; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a3adb9; --paper: #12151a; --card: #1c2128;
  --line: #343b46; --good: #4cc38a; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { width: min(32rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: clamp(24px, 6vw, 40px); border-top: 5px solid var(--accent); box-shadow: 0 8px 30px rgb(0 0 0 / 8%); }
.good { --accent: var(--good); } .bad { --accent: var(--bad); }
.mark { width: 44px; height: 44px; border-radius: 50%; display: grid; place-items: center; font-size: 24px;
  font-weight: 700; color: var(--card); background: var(--accent); }
h1 { font-size: clamp(1.35rem, 5vw, 1.7rem); line-height: 1.25; margin: 18px 0 10px; letter-spacing: -.01em; }
p { margin: 0 0 10px; overflow-wrap: anywhere; } p:last-child { margin-bottom: 0; }
.soft { color: var(--soft); } .small { font-size: .85rem; }
"""

STYLE_HASH = "sha256-" + b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
MAX_TEXT = 600


def success_page(account: str) -> str:
    """Return the page for a sign-in that worked.

    Args:
        account: The account that signed in; empty if unknown.
    """
    who = f"You are signed in as <strong>{_safe(account)}</strong>." if account else "You are signed in."
    return _page(
        "good",
        "✓",
        "Signed in",
        f"<p>{who}</p>",
        '<p class="soft">You can close this tab and go back to your program.</p>',
    )


def failure_page(problem: str, remedy: str, reference: str = "") -> str:
    """Return the page for a sign-in that failed.

    Args:
        problem: One sentence: what happened.
        remedy: The next step for the user.
        reference: The correlation id; empty if unknown.
    """
    parts = [f"<p>{_safe(problem)}</p>"]
    if remedy:
        parts.append(f"<p>{_safe(remedy)}</p>")
    parts.append('<p class="soft">Nothing was saved. You can close this tab and go back to your program.</p>')
    if reference:
        parts.append(f'<p class="soft small">Correlation id: {_safe(reference)}</p>')
    return _page("bad", "!", "Not signed in", *parts)


def stranger_page() -> str:
    """Return the page for a request that does not belong to the current sign-in."""
    return _page(
        "bad",
        "!",
        "This is not the answer to your sign-in",
        "<p>A program on this machine waits for a sign-in, and this page was opened for another one.</p>",
        '<p class="soft">Finish the sign-in in the tab where you began it, or start again.</p>',
    )


def _page(kind: str, mark: str, title: str, *parts: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{title} · entrakit</title><style>{STYLE}</style></head>'
        f'<body><main class="{kind}"><div class="mark" aria-hidden="true">{mark}</div>'
        f"<h1>{title}</h1>{''.join(parts)}</main></body></html>"
    )


def _safe(text: str) -> str:
    """Return a string for a page: escaped, bounded, without control and direction characters."""
    return html.escape(lines(text, MAX_TEXT))
