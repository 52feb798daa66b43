"""What happens while Lambda starts a function, and where it goes on from a snapshot."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from botocore.config import Config

from lambdas import price_api, starting
from lambdas.aws.session import client
from lambdas.scoring.champion import Champion, NoChampion
from lambdas.starting import at_start
from pricing.manifest import model_key
from tests.champions import champion
from tests.conftest import MODELS
from tests.lambdas.fakes import Clock, Hanging, client_error
from tests.lambdas.test_price_api import HOME, request

# Imports modules, one as Lambda does, and tells what had been made by then.
IMPORTED = """
import gc, json, sys
from importlib import import_module
made = 0
for module in map(import_module, sys.argv[1:]):
    made += next(value for value in vars(module).values() if hasattr(value, "cache_info")).cache_info().currsize
print(json.dumps([made, gc.isenabled(), gc.get_freeze_count() > 0]))
"""
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # nobody is there
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
    "BELO_ARCHIVE_BUCKET": "archive",
    "BELO_PREDICTIONS_STREAM": "predictions",
}
FUNCTIONS = ("archive", "monitor", "price_api", "score")


def imported(*names: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", IMPORTED, *(f"lambdas.{name}" for name in names)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_made_everything_once_lambda_has_started_it_and_s3_need_not_answer(name):
    done = imported(name, **SETTINGS, _HANDLER=f"lambdas.{name}.handler")
    assert json.loads(done.stdout) == [1, True, True], done.stderr


@pytest.mark.parametrize("handler", [{}, {"_HANDLER": "somebody.elses.handler"}])
def test_whoever_else_imports_them_needs_no_settings_and_makes_nothing(handler):
    assert json.loads(imported(*FUNCTIONS, **handler).stdout) == [0, True, False]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_setting_that_is_missing_is_named_by_the_start(name):
    settings = {key: value for key, value in SETTINGS.items() if not key.endswith("BUCKET")}
    done = imported(name, **settings, _HANDLER=f"lambdas.{name}.handler")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("_BUCKET is not set")


def test_only_the_process_of_its_handler_makes_anything(monkeypatch):
    monkeypatch.setenv("_HANDLER", "lambdas.score.handler")
    at_start("lambdas.archive", lambda: pytest.fail("that is another function's process"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(s3, clock) -> Champion:
    champion("1").put(s3, MODELS)
    return Champion(s3, MODELS, clock=clock)


def version(served: Champion) -> str:
    return served.current().manifest.version


def test_a_champion_that_was_looked_for_at_the_start_is_there_at_the_first_event(s3, served):
    served.prepare()
    s3.delete_object(Bucket=MODELS, Key=model_key("1"))
    assert version(served) == "1"


def test_no_champion_at_the_start_is_no_failure_and_the_first_event_looks_again(s3, clock):
    starting_without = Champion(s3, MODELS, clock=clock)
    starting_without.prepare()
    champion("1").put(s3, MODELS)
    assert version(starting_without) == "1"


def test_after_a_restore_the_champion_of_the_snapshot_serves_only_if_it_still_is_the_champion(s3, served):
    first = served.current()
    served.distrust()
    assert served.current() is first  # and was not loaded again
    champion("2").put(s3, MODELS)
    served.distrust()
    assert version(served) == "2"


def test_after_a_restore_nothing_serves_while_nobody_can_say_who_the_champion_is(s3, served):
    assert version(served) == "1"
    served.distrust()
    served._pointed._s3 = Failing()
    with pytest.raises(NoChampion, match="SlowDown"):
        served.current()
    served._pointed._s3 = s3
    assert version(served) == "1"


class Failing:
    def get_object(self, **_: str) -> None:
        raise client_error("SlowDown", 503)


def test_a_look_that_the_snapshot_interrupted_is_not_waited_for(s3, served, clock):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    hanging = served._pointed._s3 = Hanging(s3, {model_key("2")})
    clock.sleep(11)
    assert version(served) == "1"
    hanging.keys, interrupted = set(), served._pointed._looking
    served.distrust()
    assert version(served) == "2"
    hanging.going_on.set()
    assert interrupted.exception(60) is None


def test_what_the_price_api_does_after_a_restore_is_told_to_lambdas_runtime(tmp_path):
    runtime = "import sys\ndef register_after_restore(hook): print('hook', hook.__qualname__, file=sys.stderr)\n"
    (tmp_path / "snapshot_restore_py.py").write_text(runtime)
    settings = {**SETTINGS, "PYTHONPATH": str(tmp_path)}
    told = {name: imported(name, **settings, _HANDLER=f"lambdas.{name}.handler").stderr for name in FUNCTIONS}
    hooks = {name: [line for line in text.splitlines() if line.startswith("hook")] for name, text in told.items()}
    assert hooks.pop("price_api") == ["hook BaseClient.close", "hook Champion.distrust"]
    assert not any(hooks.values())


def test_the_price_api_prices_with_the_champion_of_today_where_it_goes_on_from_an_old_snapshot(s3, monkeypatch):
    champion("1").put(s3, MODELS)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("BELO_MODELS_BUCKET", MODELS)
    hooks: list = []
    monkeypatch.setattr(starting, "register_after_restore", hooks.append)
    price_api._api.cache_clear()
    try:
        assert priced_with() == "1"
        champion("2").put(s3, MODELS)
        assert priced_with() == "1"  # it is not time to look yet
        for hook in hooks:
            hook()
        assert priced_with() == "2"
    finally:
        price_api._api.cache_clear()


def priced_with() -> str:
    reply = price_api.handler(request(HOME), None)
    return json.loads(reply["body"])["model"]["version"]


class Counting(BaseHTTPRequestHandler):
    """Answers every request, and counts the connections that they come by."""

    protocol_version, connections = "HTTP/1.1", 0

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


def test_a_client_whose_connections_were_dropped_makes_new_ones(monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        s3 = client("s3", Config())
        for dropped, connections in ((False, 1), (False, 1), (True, 2)):
            if dropped:
                s3.close()
            s3.get_object(Bucket="b", Key="k")["Body"].read()
            assert Counting.connections == connections
        s3.close()
        server.shutdown()
