"""What happens while Lambda has frozen the process, and what a dead connection costs after it."""

import socket
import threading
import time
from contextlib import suppress

import boto3
import pytest
from botocore.config import Config

from lambdas.score import ADDRESSES, CONNECT_TIMEOUT, DEADLINE_MARGIN_MS, READ_TIMEOUT, read_timeout
from lambdas.scoring.champion import Champion
from tests.champions import champion
from tests.conftest import MODELS
from tests.lambdas.fakes import Clock


def test_polls_are_counted_on_a_clock_that_runs_while_the_process_is_frozen(s3):
    champion("1").put(s3, MODELS)
    assert Champion(s3, MODELS)._pointed._clock is time.time


@pytest.mark.parametrize("step", [-3_600, 3_600])
def test_a_clock_that_is_set_delays_no_promotion(s3, step):
    clock = Clock(now=1e6)
    champion("1").put(s3, MODELS)
    served = Champion(s3, MODELS, clock=clock)
    assert served.current().manifest.version == "1"
    champion("2").put(s3, MODELS)
    clock.now += step
    assert served.current().manifest.version == "2"


def test_a_last_request_ends_within_the_margin_even_with_several_addresses():
    for margin in (DEADLINE_MARGIN_MS / 1000, 10.0, 7.0):
        assert read_timeout(margin) <= READ_TIMEOUT
        assert CONNECT_TIMEOUT * ADDRESSES + read_timeout(margin) + 1 <= margin


def test_a_connection_that_died_costs_one_read_time_out_and_no_more():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    accepted: list[socket.socket] = []  # and kept open, silent

    def accept() -> None:
        with suppress(OSError):  # the server is closed
            while True:
                accepted.append(server.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    kinesis = boto3.client(
        "kinesis",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(read_timeout=1, connect_timeout=1, retries={"total_max_attempts": 1}, tcp_keepalive=True),
    )
    with pytest.raises(Exception, match="Read timeout"):
        kinesis.put_records(StreamName="s", Records=[{"Data": b"x", "PartitionKey": "k"}])
    assert len(accepted) == 1  # it is not tried again, by botocore or by urllib3
    server.close()
