"""Order restored: the newest prediction of each listing."""

import pytest

from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.printing.newest import Newest
from tests.stream_consumer.fake_kinesis import FakeKinesis
from tests.stream_consumer.predictions import payload


def arrived(*payloads: bytes) -> list[Arrived]:
    kinesis = FakeKinesis()
    for data in payloads:
        kinesis.put("L", data)
    return [each for batch in Consumer(kinesis, "predictions", sleep=lambda _: None).batches() for each in batch]


def numbers(predictions: list[Arrived]) -> list[int]:
    return [int(each.event.id.removeprefix("prediction-")) for each in predictions]


def test_the_input_stream_s_order_decides_whatever_order_predictions_come_in() -> None:
    newest = Newest()
    newest.offer(
        arrived(
            payload(1, listing_id="A", sequence_number=10**55 + 2),
            payload(2, listing_id="B", sequence_number=7),
            payload(3, listing_id="A", sequence_number=10**55 + 1),
            payload(4, listing_id="A", sequence_number=9),
        )
    )

    assert numbers(newest.all()) == [2, 1]


def test_within_an_aggregated_record_the_index_decides() -> None:
    newest = Newest()
    newest.offer(
        arrived(*(payload(n, listing_id="A", sequence_number=7, index=index) for n, index in enumerate((0, 10, 9))))
    )

    assert numbers(newest.all()) == [1]


def test_only_news_is_passed_on_while_following() -> None:
    newest = Newest()
    first = newest.offer(
        arrived(payload(1, listing_id="A", sequence_number=5), payload(2, listing_id="A", sequence_number=4))
    )
    second = newest.offer(
        arrived(payload(3, listing_id="A", sequence_number=5), payload(4, listing_id="A", sequence_number=6))
    )

    assert (numbers(first), numbers(second)) == ([1], [4])


@pytest.mark.parametrize("number", [b"-1x", b"", b"1" * 5_000])
def test_a_position_that_is_no_sequence_number_is_older_than_any_other(number: bytes) -> None:
    newest = Newest()
    data = payload(1, listing_id="A", sequence_number=5).replace(b'"5"', b'"%s"' % number)
    newest.offer(arrived(payload(2, listing_id="A", sequence_number=1), data))

    assert numbers(newest.all()) == [2]
