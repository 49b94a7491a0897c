"""Parsing of a page."""

from __future__ import annotations

from entrakit_emulator.page_reader import Button, read


def test_pages_are_read_as_people_read_them() -> None:
    """
    The result has heading, message, and the first form with its hidden values, fields and buttons.
    """
    page = read(
        "<h1>One</h1><h1>Two</h1><p role=alert> Wrong <b>name</b></p><form action='/a'><input type=hidden name=f "
        "value=1><input name=g><input type=hidden><button value=ok>OK <i>now</i></button></form>"
        "<form action='/b'></form><button>loose</button>"
    )

    assert ("One", "Wrongname") == (page.heading, page.message)
    assert page.form
    assert ("/a", {"f": "1", "": ""}, ["g"]) == (page.form.action, page.form.hidden, page.form.fields)
    assert Button("ok", "OK now") == page.form.buttons[0]
    assert read("<p>nothing</p>").form is None
