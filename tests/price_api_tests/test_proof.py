"""What `make prove-api` goes by: its defects fit the code, its books notice, its server speaks as API Gateway does."""

import ast
import base64
import http.client
import json
from pathlib import Path
from random import Random

import pytest

from belo.openapi import examples_of
from tests.price_api.__main__ import near
from tests.price_api.books import PAGE, WrongReply, books
from tests.price_api.damage import request
from tests.price_api.defects import DEFECTS
from tests.price_api.server import proxy_event, serving

ROOT = Path(__file__).parents[2]
ANSWER = examples_of(json.loads(PAGE.read_text()))["explained"]
BOOKS = books()


def reply(status, document, media_type=None):
    kind = media_type or ("application/json" if status == 200 else "application/problem+json")
    return {"statusCode": status, "headers": {"content-type": kind}, "body": json.dumps(document)}


def problem(status, title, /, **changes):
    return reply(status, {"type": "about:blank", "title": title, "status": status, "detail": "d"} | changes)


@pytest.mark.parametrize("planted", DEFECTS, ids=lambda planted: planted.defect.name)
def test_a_defect_stands_where_it_was_planted(planted):
    source = (ROOT / planted.defect.file).read_text()
    assert source.count(planted.defect.old) == 1
    ast.parse(source.replace(planted.defect.old, planted.defect.new))


def test_what_is_right_passes_the_books():
    assert BOOKS.check(b"{}", reply(200, ANSWER)) == 200
    assert BOOKS.check(b"[{}, {}]", reply(200, {"prices": [ANSWER, ANSWER]})) == 200
    assert BOOKS.check(b"{", problem(400, "Bad Request")) == 400


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", reply(200, {name: each for name, each in ANSWER.items() if name != "currency"})),
        (b"{}", reply(200, ANSWER | {"predicted_price": 1.0})),
        (b"{}", reply(200, ANSWER, "text/plain")),
        (b"[{}, {}]", reply(200, {"prices": [ANSWER]})),
        (b"[]", reply(200, {"prices": []})),
        (b"\xef\xbb\xbf{}", reply(200, ANSWER)),
        (b'{"area_m2": NaN}', problem(422, "Unprocessable Entity")),
        (b"{}", problem(413, "Request Entity Too Large")),
        (b"{", problem(400, "Bad Request", status=422)),
        (b"{", problem(400, "Bad Request", detail="")),
        (b"{", problem(500, "Internal Server Error")),
        (b"{}", problem(503, "Service Unavailable")),
    ],
)
def test_what_is_wrong_does_not(content, said):
    with pytest.raises(WrongReply):
        BOOKS.check(content, said)


def test_the_same_seed_makes_the_same_requests():
    assert [request(Random("7 0")) for _ in range(3)] == [request(Random("7 0")) for _ in range(3)]


def test_text_comes_as_text_and_other_bytes_in_base64():
    assert proxy_event("é".encode(), {}, None)["body"] == "é"
    event = proxy_event(b"\xff", {}, None)
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, b"\xff")


def test_the_server_hands_over_events_and_gives_back_replies():
    events = []

    def api(event):
        events.append(event)
        return problem(422, "Unprocessable Entity")

    with serving(api) as address:
        line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
        line.request("POST", "/price?explain=0&explain=1", body=b"[]", headers={"Content-Type": "application/json"})
        answered = line.getresponse()
        assert (answered.status, json.loads(answered.read())["detail"]) == (422, "d")
        line.request("PUT", "/price", body=b"[]")
        assert line.getresponse().read() == b'{"message": "Missing Authentication Token"}'
        line.close()
    assert [(each["body"], each["queryStringParameters"]) for each in events] == [("[]", {"explain": "1"})]


def test_answers_are_the_same_but_for_rounding():
    assert near(ANSWER, ANSWER)
    assert near({"a": [1.0]}, {"a": [1.0001]})
    assert not near({"a": [1.0]}, {"a": [1.1]})
    assert not near({"a": 1.0, "b": 2}, {"a": 1.0})
