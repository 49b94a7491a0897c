"""Reader of HTML pages: heading, first form, and error message."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple


class Button(NamedTuple):
    """A button of a form.

    Args:
        value: Value that the button sends.
        text: Label.
    """

    value: str
    text: str


@dataclass(slots=True)
class Form:
    """A form.

    Args:
        action: Address that the form is sent to.
        hidden: Hidden fields and their values.
        fields: Names of the visible fields.
        buttons: Buttons of the form.
    """

    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


class Reader(HTMLParser):
    """Parser of a page.

    Attributes:
        heading: Text of the first heading.
        message: Text of the alert; empty if there is none.
        form: The first form; None if there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = ""
        self.message = ""
        self.form: Form | None = None
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handle a start tag."""
        have = {name: value or "" for name, value in attrs}
        if have.get("role") == "alert":
            self._inside = "message"
        elif tag == "h1" and not self.heading:
            self._inside = "heading"
        if tag == "form" and self.form is None:
            self.form = Form(have.get("action", ""))
        elif self.form is not None and tag == "input":
            if have.get("type") == "hidden":
                self.form.hidden[have.get("name", "")] = have.get("value", "")
            else:
                self.form.fields.append(have.get("name", ""))
        elif self.form is not None and tag == "button":
            self.form.buttons.append(Button(have.get("value", ""), ""))
            self._inside = "button"

    def handle_endtag(self, tag: str) -> None:
        """Handle an end tag."""
        if tag in ("h1", "div", "p", "button"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """Handle text."""
        if self._inside == "heading":
            self.heading += data
        elif self._inside == "message":
            self.message += data.strip()
        elif self._inside == "button" and self.form is not None:
            last = self.form.buttons[-1]
            self.form.buttons[-1] = last._replace(text=last.text + data)


def read(text: str) -> Reader:
    """Parse a page."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader
