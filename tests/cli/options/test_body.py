"""Bodies: typed, from a file, or from standard input; checked, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import GraphCommand


class TestBodies:
    """Bodies that are sent, and bodies that are refused."""

    def sent(self, graph: GraphCommand, *words: str, given: str = "") -> bytes:
        """Return the body that arrived."""
        bodies: list[bytes] = []
        graph.server.answer = lambda method, target, body: (bodies.append(body), Answer(204))[1]  # type: ignore[method-assign,func-returns-value]
        result = graph("request", "POST", "/users", "--body", *words, given=given)
        assert 0 == result.code, result.error
        return bodies[0]

    def test_text_file_and_standard_input(self, graph: GraphCommand, tmp_path: Path) -> None:
        """
        A body is sent unchanged from each of its sources.
        """
        file = tmp_path / "body.json"
        file.write_text('{ "a": "ö" }', encoding="utf-8")

        assert b'{"a":1}' == self.sent(graph, '{"a":1}')
        assert '{ "a": "ö" }'.encode() == self.sent(graph, f"@{file}")
        assert b"[1, 2]\n" == self.sent(graph, "-", given="[1, 2]\n")

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_files_of_windows(self, graph: GraphCommand, tmp_path: Path, encoding: str) -> None:
        """
        Files of Windows PowerShell, with a byte order mark or in UTF-16, are sent as UTF-8.
        """
        file = tmp_path / "body.json"
        file.write_text('{"a": "ö"}', encoding=encoding)

        assert '{"a": "ö"}'.encode() == self.sent(graph, f"@{file}")

    def test_a_person_is_told_how_to_end(self, graph: GraphCommand) -> None:
        """
        A user who types the body at a terminal gets a message how to end it, before the confirmation.
        """
        result = graph("request", "POST", "/users", "--body", "-", given='{"displayName": "new"}', terminal=True)

        assert 130 == result.code
        assert "Ctrl-D" in result.error.partition("[y/N]")[0]

    def test_text_that_is_none(self, graph: GraphCommand) -> None:
        """
        Bytes of another encoding on the command line can't be sent as UTF-8.
        """
        assert "UTF-8" in graph("request", "POST", "/users", "--body", '"\udcff"').error

    def test_other_content_is_sent_as_it_is(self, graph: GraphCommand, tmp_path: Path) -> None:
        """
        With a content type other than JSON any bytes are accepted.
        """
        file = tmp_path / "photo"
        file.write_bytes(b"\xff\xd8\x00")

        assert b"\xff\xd8\x00" == self.sent(graph, f"@{file}", "--header", "content-type: image/jpeg")

    @pytest.mark.parametrize("body", ["{'canary': 1}", "canary", '{"canary": NaN}', '{"canary": 1', "[" * 100_000])
    def test_what_is_no_json_is_refused(self, graph: GraphCommand, body: str) -> None:
        """
        Invalid JSON is refused before anything is sent, and is not repeated, because it may contain a password.
        """
        asked = len(graph.server.asked)

        result = graph("request", "POST", "/users", "--body", body)

        assert 2 == result.code
        assert "is not JSON" in result.error
        assert "canary" not in result.error
        assert asked == len(graph.server.asked)

    def test_a_file_that_is_not_there(self, graph: GraphCommand) -> None:
        """
        The error names the missing file.
        """
        result = graph("request", "POST", "/users", "--body", "@/no/such/file")

        assert 2 == result.code
        assert "/no/such/file" in result.error
