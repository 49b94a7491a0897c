"""`entra batch`: requests from a file, and a result for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import DETAILED, Answer, Fault, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cli.conftest import GraphCommand, Result

ENTRA = Path(sys.executable).with_name("entra")
GET = {"id": "g", "method": "GET", "url": "/users/id-0001"}


def lines(*requests: Mapping[str, object]) -> str:
    """Return requests as NDJSON."""
    return "".join(json.dumps(one) + "\n" for one in requests)


def results(result: Result) -> list[dict[str, object]]:
    """Return the output of a command as a list of JSON values."""
    return [json.loads(line) for line in result.output.splitlines()]


def creating(count: int) -> list[dict[str, object]]:
    """Return requests that each create something."""
    return [
        {"id": f"n{number}", "method": "POST", "url": "/users", "body": {"displayName": f"user {number}"}}
        for number in range(count)
    ]


@pytest.mark.parametrize("form", ["lines", "graph"])
def test_each_request_has_its_result_in_order(graph: GraphCommand, tmp_path: Path, form: str) -> None:
    """
    Any number of requests from a file of either format is sent in batches of 20, each request once.
    """
    requests = creating(45)
    file = tmp_path / "requests"
    file.write_text(lines(*requests) if form == "lines" else json.dumps({"requests": requests}, indent=2))

    result = graph("batch", str(file))

    assert 0 == result.code, result.error
    assert [one["id"] for one in requests] == [one["id"] for one in results(result)]
    assert [201] * 45 == [one["status"] for one in results(result)]
    assert "user 44" == results(result)[44]["body"]["displayName"]  # type: ignore[index]
    assert "45 requests, all done.\n" == result.error
    assert [1] * 45 == list(graph.server.effects.values())
    assert [5, 20, 20] == sorted(graph.server.batch_sizes)


def test_errors_are_results(graph: GraphCommand) -> None:
    """
    The result of a failed request has its code and remedy. A request that depends on it is not sent. The exit code is
    that of the first error.
    """
    given = lines(
        GET,
        {"id": "missing", "method": "get", "url": "users/nobody"},
        {"id": 3, "method": "DELETE", "url": "/users/id-0002", "dependsOn": ["missing"]},
        {"id": "after", "method": "DELETE", "url": "/users/id-0003", "dependsOn": ["g"]},
    )

    result = graph("batch", "-", given=given)

    good, missing, waiting, after = results(result)
    assert (11, "4 requests: 2 done, 2 failed (1 with HTTP 404, 1 with HTTP 424).\n") == (result.code, result.error)
    assert {"id": "g", "status": 200, "body": {"id": "id-0001", "userPrincipalName": "b0001@contoso.com"}} == good
    assert ("missing", 404) == (missing["id"], missing["status"])
    error = missing["error"]
    assert isinstance(error, dict)
    assert ("NotFoundError", "Request_ResourceNotFound", "It does not exist.", "r-1") == tuple(
        error[name] for name in ("kind", "code", "message", "request_id")
    )
    assert error["next"]
    assert ("3", 424) == (waiting["id"], waiting["status"])
    assert {"id": "after", "status": 204} == after
    assert {"delete id-0003": 1} == dict(graph.server.effects)


def test_a_throttled_item_is_asked_again_alone(graph: GraphCommand) -> None:
    """
    Only the throttled request is repeated; the others are done once.
    """
    graph.server.item_faults["/users/id-0001"] = [refusal(429, "TooManyRequests", "Later.", {"Retry-After": "0"})]

    result = graph("batch", "-", given=lines(GET, *creating(3)))

    assert [200, 201, 201, 201] == [one["status"] for one in results(result)]
    assert [1] * 3 == list(graph.server.effects.values())


def test_an_answer_that_is_cut_off(graph: GraphCommand) -> None:
    """
    A read is repeated after an incomplete response. The result of a write says that it was done, and the exit code is
    not one after which everything may be sent again.
    """
    graph.server.faults = [Fault("write", "truncated")]

    alone = graph("batch", "-", given=lines(*creating(1)))

    (failed,) = results(alone)
    assert (14, None) == (alone.code, failed["status"])
    assert "1 with an unknown outcome" in alone.error
    assert "done" in failed["error"]["message"]  # type: ignore[index]
    assert 1 == graph.server.effects["create user 0"]


def test_results_as_an_array(graph: GraphCommand) -> None:
    """
    `--json` and `--output json` make one JSON array.
    """
    for words in (("--json",), ("--output", "json")):
        result = graph("batch", "-", *words, given=lines(GET, *creating(1)))
        assert ["g", "n0"] == [one["id"] for one in json.loads(result.output)]


def test_results_in_a_file(graph: GraphCommand, tmp_path: Path) -> None:
    """
    The file appears complete, its name determines the format, and standard output stays empty.
    """
    for name in ("results.json", "results.ndjson"):
        result = graph("batch", "-", "--out", str(tmp_path / name), given=lines(GET))
        assert (0, "") == (result.code, result.output)
    assert "g" == json.loads((tmp_path / "results.json").read_text())[0]["id"]
    assert "g" == json.loads((tmp_path / "results.ndjson").read_text())["id"]
    assert 0 == graph("batch", "-", "--out", str(tmp_path / "results.csv"), given=lines(GET)).code
    assert (
        (tmp_path / "results.csv")
        .read_text()
        .startswith('"id","status","body","error"\n"g","200","{""id"":""id-0001""')
    )
    assert 2 == graph("batch", "-", "--output", "table", "--out", "results.txt", given=lines(GET)).code


def test_results_in_columns(graph: GraphCommand) -> None:
    """
    Results are rows of id, status, body and error, too; a table has the widths of all of them.
    """
    given = lines(GET, {"id": "a-long-id", "method": "GET", "url": "/users/nobody"})

    values = graph("batch", "-", "--output", "tsv", given=given).output.splitlines()
    table = graph("batch", "-", "--output", "table", given=given).output.splitlines()

    assert ["id\tstatus\tbody\terror", "g\t200", "a-long-id\t404"] == [
        values[0], *("\t".join(one.split("\t")[:2]) for one in values[1:])
    ]  # fmt: skip
    assert ["id         status", "g          200   ", "a-long-id  404   "] == [one[:17] for one in table]


def test_answers_that_are_no_json(graph: GraphCommand) -> None:
    """
    Text stays text; other content is base64 with its type.
    """
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if target.endswith("/photo"):
            return Answer(200, b"\xff\xd8", {"content-type": "image/jpeg"})
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    counted = graph("batch", "-", given=lines({"id": "c", "method": "GET", "url": "/users/$count"}))
    photo = graph("batch", "-", given=lines({"id": "p", "method": "GET", "url": "/me/photo"}))

    assert [{"id": "c", "status": 200, "body": "230"}] == results(counted)
    assert [{"id": "p", "status": 200, "contentType": "image/jpeg", "body": "/9g="}] == results(photo)


@pytest.mark.parametrize(("words", "expected"), [(("--parallel", "0"), "1 to 16"), (("--what", "x"), "--what-if")])
def test_options_that_can_not_be_right(graph: GraphCommand, words: tuple[str, ...], expected: str) -> None:
    """
    Invalid options are refused with a valid suggestion.
    """
    result = graph("batch", "-", *words, given=lines(GET))

    assert 2 == result.code
    assert expected in result.error


def test_writes_are_asked_about_once(graph: GraphCommand, tmp_path: Path) -> None:
    """
    A user at a terminal confirms the number of requests of each method once. A file of reads needs no confirmation.
    """
    file, reads = tmp_path / "requests", tmp_path / "reads"
    file.write_text(lines(GET, *creating(3), {"id": "d", "method": "DELETE", "url": "/users/id-0001"}))
    reads.write_text(lines(GET))

    refused = graph("batch", str(file), given="n\n", terminal=True)
    done = graph("batch", str(file), given="y\n", terminal=True)
    said = graph("batch", str(file), "--yes", terminal=True)
    read = graph("batch", str(reads), terminal=True)

    host = graph.server.url.removeprefix("https://")
    assert f"5 requests to {host}: 1 DELETE, 1 GET, 3 POST\nSend them? [y/N] " in refused.error
    assert (130, "") == (refused.code, refused.output)
    assert [0, 0, 0] == [done.code, said.code, read.code]
    assert "[y/N]" not in said.error + read.error
    assert 2 == graph.server.effects["delete id-0001"]


def test_what_if_shows_every_request(graph: GraphCommand) -> None:
    """
    `--what-if` prints the exact requests without the token, and sends nothing.
    """
    asked = len(graph.server.asked)

    text = graph("batch", "-", "--what-if", given=lines(GET, *creating(1)))
    as_json = graph("batch", "-", "--what-if", "--json", given=lines(GET))

    assert f"GET {graph.server.url}/v1.0/users/id-0001\n" in text.output
    assert text.output.endswith('{"displayName":"user 0"}\n')
    assert ["GET"] == [one["method"] for one in json.loads(as_json.output)]
    assert asked == len(graph.server.asked)


def test_a_reader_that_goes_away_does_not_leave_half_undone(graph: GraphCommand, tmp_path: Path) -> None:
    """
    With `entra batch … | head -1` all requests are sent all the same.
    """
    file = tmp_path / "requests"
    requests = creating(200)
    for one in requests[1:]:
        one["dependsOn"] = ["n0"]
    file.write_text(lines(*requests))
    # The reader ends at the first result, before the others exist.
    words = f"{ENTRA} batch {file} --parallel 1 | head -c 1 > /dev/null"

    subprocess.run(["sh", "-c", words], env={**os.environ, **graph.command.environ}, check=True, capture_output=True)

    assert [1] * 200 == list(graph.server.effects.values())


def test_the_details_of_a_refusal_are_in_its_result(graph: GraphCommand, tmp_path: Path) -> None:
    """
    A result has the words of the service: the message, and which property is wrong.
    """
    file = tmp_path / "requests"
    file.write_text(lines(GET))
    graph.server.faults = [Fault("get", "details")]

    error = results(graph("batch", str(file)))[0]["error"]

    assert isinstance(error, dict)
    assert [DETAILED["error"]["details"][0]] == error["details"]
    assert "Validation failed." == error["message"]


def test_a_write_with_an_unknown_outcome_says_so_in_its_result(graph: GraphCommand) -> None:
    """
    If the answer to a batch is lost, the results of its writes say that their outcome is unknown; those of requests
    that may be repeated do not. The exit code is 14, even if another request failed before.
    """
    missing = {"id": "missing", "method": "GET", "url": "/users/nobody"}
    change = {"id": "c", "method": "PATCH", "url": "/users/id-0002", "body": {"city": "London"}}
    graph.server.faults = [Fault("batch", "done-reset")]

    result = graph("batch", "-", given=lines(missing, *creating(2), change, GET))

    not_found, one, other, changed, read = results(result)
    assert (404, 200) == (not_found["status"], read["status"])
    for unknown in (one, other):
        error = unknown["error"]
        assert isinstance(error, dict)
        assert (None, "OutcomeUnknownError", True) == (unknown["status"], error["kind"], error["outcome_unknown"])
        assert "Look first" in error["next"]
    assert ("NetworkError", False) == (changed["error"]["kind"], "outcome_unknown" in changed["error"])  # type: ignore[index, operator]
    assert 14 == result.code
    assert "2 with an unknown outcome" in result.error
    assert all(count <= 1 for count in graph.server.effects.values())


def test_a_malformed_result_hides_no_other(graph: GraphCommand) -> None:
    """
    If the service answers a request of a batch with nonsense, the results of the others are printed.
    """
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        found = usual(method, target, body)
        if not target.endswith("/$batch"):
            return found
        assert isinstance(found.body, dict)
        listed = [{**one, "status": True} if one["id"] == "1" else one for one in found.body["responses"]]
        return found._replace(body={"responses": listed})

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server

    result = graph("batch", "-", given=lines(*creating(3)))

    first, *others = results(result)
    assert [201, 201] == [one["status"] for one in others]
    assert "OutcomeUnknownError" == first["error"]["kind"]  # type: ignore[index]
    assert (14, 3) == (result.code, len(graph.server.effects))
