"""What a cold start costs: the CPU of a fresh process until its first price, over that of MLflow's pyfunc."""

import json
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from belo import bundle
from benchmarks.speed.measuring import batch, champion_folder, dataset, listing_payloads, ratio, side_by_side
from benchmarks.speed.references.loopback_bucket import running
from benchmarks.speed.references.pyfunc_service import CATEGORIES, NUMBERS, save_pyfunc
from benchmarks.speed.section import Cell, Section

ROUNDS = 9
MLFLOW_NAME = "MLflow pyfunc"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
    "BELO_PREDICTIONS_STREAM": "predictions",
}
OURS = ENVIRONMENT | {"OPENBLAS_NUM_THREADS": "1"}  # as Terraform sets it
# As Lambda does it: nothing but the bundle on the path, the handler's module imported, an event handled. Both processes
# end there: nobody waits for what an interpreter clears up.
FUNCTION = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
class Context:
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)
handler = importlib.import_module(os.environ["_HANDLER"].removesuffix(".handler")).handler
with open(sys.argv[2]) as event:
    answer = handler(json.load(event), Context)
os._exit(not (answer.get("batchItemFailures") == [] or answer.get("statusCode") == 200))
"""
# The least that anybody writes: a model and a record, and nothing around them.
MLFLOW = """
import os, sys
import mlflow
import pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
os._exit(not model.predict(pd.read_json(sys.argv[2]))[0] > 0)
"""
# One part after the other, and the CPU that had gone after each.
IN_PARTS = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
with open(sys.argv[2]) as event:
    room = {"event": json.load(event)}
stamps = [0.0, time.process_time()]
for part in sys.argv[3:]:
    exec(part, room)
    stamps.append(time.process_time())
print(json.dumps(stamps), file=sys.stderr, flush=True)
os._exit(0)
"""
LIBRARIES = {
    "import botocore": "import lambdas, botocore.session",
    "import numpy": "import numpy",
    "import ONNX Runtime": "import onnxruntime",
    "import msgspec": "import msgspec",
}
CHAMPION = {
    "client of S3": "from lambdas.aws.clients import *; s3 = s3_client()",
    "first answer of S3": "s3.get_object(Bucket='models', Key='house-price/champion.json')['Body'].read()",
    "champion: two objects, session, golden rows": (
        "from lambdas.scoring.champion import Champion; champion = Champion(s3, 'models'); champion.prepare()"
    ),
}
PARTS = {
    "score": {
        **LIBRARIES,
        "import the rest": "from lambdas.score import *",
        **CHAMPION,
        "client of Kinesis": "kinesis = kinesis_client(read_timeout=5, connections=4)",
        "first event": (
            "class Context:\n get_remaining_time_in_millis = staticmethod(lambda: 60_000)\n"
            "score = Scorer(champion, OutputStream(kinesis, 'predictions'), DeadLetters(s3, 'dead-letters'),"
            " challenger=Challenger(s3, 'models'), deadline_margin=15.0)\nscore(event, Context)"
        ),
        "second event": "score(event, Context)",
    },
    "price_api": {
        **LIBRARIES,
        "import the rest": "from lambdas.price_api import *",
        **CHAMPION,
        "first request": "price = PriceApi(champion, Explainers(s3, 'models')); price(event)",
        "second request": "price(event)",
        "first with ?explain=1": "price(event | {'queryStringParameters': {'explain': '1'}})",
    },
}


def measure() -> Section:
    """Return what cold starts of two functions cost over MLflow's, and where the time goes."""
    with tempfile.TemporaryDirectory() as room, running(champion_folder()) as url:
        task, model, record = Path(room, "task"), Path(room, "pyfunc"), Path(room, "record.json")
        with zipfile.ZipFile(bundle.build(bundle.Target())) as archive:
            archive.extractall(task)
        (payload,) = listing_payloads(1)
        home = json.loads(payload)["data"]
        save_pyfunc(dataset().frame, model)
        record.write_text(json.dumps([{name: home.get(name) for name in CATEGORIES + NUMBERS}]))
        request = {"headers": {"content-type": "application/json"}, "body": json.dumps(home)}
        events = {"score": batch([payload]), "price_api": request}
        for name, event in events.items():
            Path(room, name).write_text(json.dumps(event))

        def start(name: str) -> Callable[[], object]:
            environment = {**OURS, "AWS_ENDPOINT_URL": url, "_HANDLER": f"lambdas.{name}.handler"}
            return lambda: run(environment, "-I", "-S", "-c", FUNCTION, task, Path(room, name))

        def in_parts(name: str) -> list[dict[str, Cell]]:
            environment = {**OURS, "AWS_ENDPOINT_URL": url, "_HANDLER": "lambdas.nobody"}
            code = (IN_PARTS, task, Path(room, name), *PARTS[name].values())
            stamps = [json.loads(run(environment, "-I", "-S", "-c", *code)) for _ in range(ROUNDS)]
            return _rows(["interpreter", *PARTS[name]], stamps)

        works = {name: start(name) for name in PARTS}
        works[MLFLOW_NAME] = lambda: run(ENVIRONMENT, "-c", MLFLOW, model, record)
        took = side_by_side(works, ROUNDS, children_cpu)
        parts = {f"{name}, where it goes": in_parts(name) for name in PARTS}
    theirs = took[MLFLOW_NAME]
    whole: list[dict[str, Cell]] = [
        {"what": name, "CPU, ms": round(median(each) * 1000), "over MLflow's": ratio(each, theirs)}
        for name, each in took.items()
    ]
    return Section(
        "Cold starts",
        {"cold_start_vs_mlflow": ratio(took["score"], theirs)},
        {"a fresh process until its first price": whole, **parts},
        (
            "S3 and Kinesis answer on loopback, without TLS. What follows the first event or request is none of it.",
            "OPENBLAS_NUM_THREADS=1, which Terraform sets for ours, would spare MLflow about a tenth.",
        ),
    )


def run(environment: Mapping[str, str], *arguments: object) -> str:
    """Run Python in a process of its own; return what it says on standard error."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:] or done.stdout[-2000:])
    return done.stderr


def children_cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds, the system's included, of the processes that a piece of work starts and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _rows(names: list[str], stamps: list[list[float]]) -> list[dict[str, Cell]]:
    """Return the median milliseconds of each part, from the CPU that had gone at their ends, run by run."""
    return [
        {"part": name, "CPU, ms": round(median(each[place + 1] - each[place] for each in stamps) * 1000, 1)}
        for place, name in enumerate(names)
    ]
