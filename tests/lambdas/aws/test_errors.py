import itertools

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from botocore.parsers import ResponseParserError

from lambdas.aws.errors import (
    UnreadableReply,
    code,
    complete,
    full_jitter,
    is_absent,
    is_condition_conflict,
    is_condition_failed,
    is_unchanged,
    may_pass,
)


def answer(what: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": what}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    "error",
    [
        *map(answer, ["ThrottlingException", "ProvisionedThroughputExceededException", "LimitExceededException"]),
        *map(answer, ["RequestTimeout", "SlowDown", "KMSThrottlingException", "ResourceInUseException"]),
        answer("InternalFailure", 500),
        ConnectTimeoutError(endpoint_url="http://kinesis"),
        ResponseParserError("not JSON"),
        UnreadableReply(operation="GetRecords", member="Records"),
    ],
    ids=str,
)
def test_what_may_pass(error):
    assert may_pass(error)


@pytest.mark.parametrize(
    "error", [answer("AccessDenied", 403), answer("NoSuchKey", 404), NoCredentialsError(), ValueError()]
)
def test_what_cannot_pass(error):
    assert not may_pass(error)


@pytest.mark.parametrize(
    ("means", "codes"),
    [
        (is_absent, {"NoSuchKey", "404"}),
        (is_unchanged, {"NotModified", "304"}),
        (is_condition_failed, {"PreconditionFailed", "412"}),
        (is_condition_conflict, {"ConditionalRequestConflict", "409"}),
    ],
)
def test_each_meaning_has_a_name_and_a_status_for_code(means, codes):
    known = {"NoSuchKey", "404", "NotModified", "304", "PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
    assert {each for each in known if means(answer(each))} == codes
    assert not means(ValueError())


def test_an_error_without_an_answer_has_no_code():
    assert code(ValueError()) == ""
    assert code(ClientError({}, "GetObject")) == ""


def test_waits_are_random_up_to_a_limit_that_doubles_up_to_the_longest():
    tries = [list(itertools.islice(full_jitter(1.0, 5.0), 5)) for _ in range(300)]
    for pauses, limit in zip(zip(*tries, strict=True), (1.0, 2.0, 4.0, 5.0, 5.0), strict=True):
        assert 0.8 * limit < max(pauses) <= limit
        assert min(pauses) < 0.2 * limit


def test_an_answer_that_lacks_what_every_answer_has_is_named():
    assert complete("GetRecords", {"Records": []}, "Records") == {"Records": []}
    with pytest.raises(UnreadableReply, match="GetRecords: an answer without Records"):
        complete("GetRecords", {"message": "<html>"}, "Records")
