"""`POST /price`: what the stream would say, while somebody waits; and what is wrong with a request."""

import base64
import json
import random

import msgspec
import pytest

from lambdas.asking.explaining import Explainers
from lambdas.asking.request import MOST_BYTES, MOST_LISTINGS
from lambdas.price_api import PriceApi
from lambdas.scoring.champion import Champion
from tests.champions import champion, unsure
from tests.conftest import MODELS
from tests.events import payload
from tests.lambdas.fakes import Clock
from tests.lambdas.test_score import Room

HOME = {"neighborhood": "Buritis", "area_m2": 102.0, "rooms": 3}


def request(body, *, content_type="application/json", query=None, encoded=False):
    """Return a request as API Gateway hands it over."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "httpMethod": "POST",
        "path": "/price",
        "headers": {"Content-Type": content_type} if content_type else None,
        "queryStringParameters": query,
        "body": base64.b64encode(text.encode()).decode() if encoded else text,
        "isBase64Encoded": encoded,
    }


@pytest.fixture
def empty(s3) -> PriceApi:
    return PriceApi(Champion(s3, MODELS, clock=Clock()), Explainers(s3, MODELS))


@pytest.fixture
def api(s3, empty) -> PriceApi:
    unsure().put(s3, MODELS)
    return empty


def told(reply) -> tuple[int, str]:
    document = json.loads(reply["body"])
    assert reply["headers"]["content-type"] == "application/problem+json"
    assert document["status"] == reply["statusCode"]
    return reply["statusCode"], document["detail"]


def test_a_listing_alone_is_answered_with_its_price_interval_and_confidence(api):
    reply = api(request(HOME))
    answer = json.loads(reply["body"])
    assert reply["statusCode"] == 200
    assert answer["interval"]["low"] < answer["predicted_price"] < answer["interval"]["high"]
    assert (answer["listing_id"], answer["confidence"], answer["model"]["version"]) == ("L-1", "C", "1")


def test_the_stream_and_the_api_agree_to_the_last_digit(api, s3):
    events = [payload(f"L-{n}", area_m2=31.7 * n, rooms=n) for n in range(1, 9)]
    stream = Room(s3)
    assert stream.score(*events) == []
    answers = json.loads(api(request([json.loads(event)["data"] for event in events]))["body"])["prices"]
    for answer, event in zip(answers, stream.predictions, strict=True):
        said = msgspec.to_builtins(event.data)
        assert {name: said[name] for name in answer} == answer


def test_scraped_spelling_means_the_same(api):
    scraped = {"neighborhood": " Buritis ", "square-foot": "102", "rooms": "2-4", "adm-fees": "--"}
    assert api(request(scraped))["body"] == api(request(HOME))["body"]


def test_a_hundred_listings_are_answered_in_their_order(api):
    rows = [HOME | {"listing_id": f"A-{n}", "area_m2": 40 + n} for n in range(MOST_LISTINGS)]
    answers = json.loads(api(request(rows, encoded=True))["body"])["prices"]
    assert [answer["listing_id"] for answer in answers] == [row["listing_id"] for row in rows]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (HOME | {"area_m2": -3}, "area_m2: expected a number > 0, got -3"),
        (HOME | {"rooms": "many"}, 'rooms: expected a number, got "many"'),
        ({"area_m2": 60}, "neighborhood: required, but missing"),
        (HOME | {"neighborhood": ["a"]}, "neighborhood: expected text, got a list"),
        (17, "expected a listing (an object) or a list of listings, got 17"),
        ([HOME, "x"], 'expected a listing (an object) or a list of listings, got "x"'),
        ([], "expected 1 to 100 listings, got none"),
    ],
)
def test_a_wrong_listing_is_told_by_field_and_value(api, body, detail):
    assert told(api(request(body))) == (422, detail)


def test_of_many_listings_every_wrong_one_is_told(api):
    reply = api(request([HOME, HOME | {"area_m2": 0}, HOME, HOME | {"rooms": 1.5}]))
    assert told(reply) == (422, "2 of 4 listings are not valid")
    assert json.loads(reply["body"])["errors"] == [
        {"index": 1, "field": "area_m2", "error": "area_m2: expected a number > 0, got 0"},
        {"index": 3, "field": "rooms", "error": "rooms: expected a whole number, got 1.5"},
    ]


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        (request("[1"), 400, "not JSON: Expecting ',' delimiter at 2, near '[1'"),
        (request('{"area_m2": NaN}'), 400, "not JSON: NaN, near '{\"area_m2\": NaN}'"),
        (request(""), 400, "not JSON: Expecting value at 0"),
        (request('"\\ud800"'), 400, "not UTF-8: an escape stands for half a character (a lone surrogate)"),
        (request("[" * 100_000), 400, "nested too deeply"),
        (request("%") | {"isBase64Encoded": True}, 400, "the body is not base64, as the gateway says it is"),
        (request(HOME, query={"explain": "maybe"}), 400, 'explain: expected 1 or 0, got "maybe"'),
        (request("{}", content_type="text/xml"), 415, 'content-type: expected application/json, got "text/xml"'),
        (request(HOME, content_type=None), 415, 'content-type: expected application/json, got ""'),
        (request(HOME, content_type="application/json;charset=x"), 415, 'content-type: expected UTF-8, got "x"'),
        (request(HOME, content_type="\ud800"), 415, 'content-type: expected application/json, got "?"'),
        (request(HOME, query={"explain": ""}), 400, 'explain: expected 1 or 0, got ""'),
        (request(HOME, query={"explain": "\ud83d"}), 400, 'explain: expected 1 or 0, got "?"'),
        (request('{"area_m2": 1e999}'), 400, "a number is too large to be read"),
        (request('[{"price": ' + "9" * 5_000 + "}]"), 400, "a number is too large to be read"),
        (request([HOME] * 101), 413, "expected at most 100 listings, got 101"),
        (request(" " * MOST_BYTES + "{}"), 413, "expected at most 1,048,576 bytes, got 1,048,578"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_read_is_refused_with_its_status(api, asked, status, detail):
    assert told(api(asked)) == (status, detail)


@pytest.mark.parametrize("parameters", ["charset=utf-8; x=y", 'x=y; CHARSET="UTF-8"', "x=charset=latin-1", ""])
def test_parameters_of_the_content_type_other_than_a_charset_do_not_matter(api, parameters):
    assert api(request(HOME, content_type=f"application/json; {parameters}"))["statusCode"] == 200


def test_without_a_champion_the_caller_is_asked_to_come_again(empty):
    reply = empty(request(HOME))
    assert reply["statusCode"] == 503
    assert reply["headers"]["retry-after"] == "10"
    assert "no champion serves yet" in json.loads(reply["body"])["detail"]


def test_a_version_that_keeps_no_reasons_says_so(api):
    status, detail = told(api(request(HOME, query={"explain": "1"})))
    assert status == 422
    assert detail.startswith("explain: version 1 gives no reasons")


def test_a_home_without_a_finite_price_is_told_by_its_place(s3, empty):
    champion(interval={"coverage": 0.9, "edges": [13.0], "low": [-0.4, -0.3], "high": [0.4, 1e6]}).put(s3, MODELS)
    reply = empty(request([HOME | {"area_m2": 20}, HOME | {"area_m2": 1_000}]))
    assert reply["statusCode"] == 422
    assert json.loads(reply["body"])["errors"] == [
        {"index": 1, "field": "listing", "error": "listing: no finite price"}
    ]


def test_every_request_leaves_one_line_of_metrics(api, capsys):
    api(request([HOME, HOME]))
    api(request("?"))
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good["Prices"], good["RefusedRequests"], good["status"], good["model_version"]) == (2, 0, 200, "1")
    assert (bad["Prices"], bad["RefusedRequests"], bad["status"]) == (0, 1, 400)


def test_mutated_bodies_are_answered_and_never_with_a_fault_of_ours(api, capsys):
    dice, seed = random.Random(14), json.dumps([HOME | {"address": "Rua São Paulo, 12", "adm-fees": "1-2"}])
    statuses = set()
    for _ in range(2_000):
        body = list(seed)
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body)) : dice.randrange(len(body))] = dice.choice(
                ["", '"', "}", "]", "{", "1e999", "\x00", "\ud83d", "null", "--", "-", "9" * 40, "true", "[[", ","]
            )
        statuses.add(api(request("".join(body), query={"explain": dice.choice(["0", "1", ""])}))["statusCode"])
    capsys.readouterr()
    assert statuses == {200, 400, 422}
