"""What scoring costs, from Lambda's event to encoded predictions, without a network."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np

from belo.sample_service import Bucket
from benchmarks.speed.measuring import (
    batch,
    champion_files,
    champion_objects,
    dataset,
    listing_payloads,
    ratio,
    side_by_side,
)
from benchmarks.speed.references.course_lambda import CourseLambda, train
from benchmarks.speed.references.floor import Floor, Graph
from benchmarks.speed.references.pyfunc_service import PyfuncService, save_pyfunc
from benchmarks.speed.section import Section
from lambdas.aws.batch import Batch
from lambdas.scoring.challenger import Challenger
from lambdas.scoring.decode import decode_batch
from lambdas.scoring.encode import encode
from lambdas.scoring.predict import predict
from pricing.aggregation import join
from pricing.answer.columns import columns_of
from pricing.listing import Features
from pricing.manifest import CHALLENGER_KEY, CHAMPION_KEY
from pricing.model import Model, load
from training.export.onnx_model import session
from training.model.candidates import one_thread

RECORDS = 6_000  # about a full event of Lambda
ROUNDS = 21
FEW_ROUNDS = 9  # of what is slow, over few records
FEW = {"a predict a record": 60, "a predict a record, on a dict": 600}


def measure() -> Section:
    """Return what scoring costs over the least that it can cost, and how other ways to do it compare."""
    model = load(*champion_files())
    plain = batch(payloads := listing_payloads(RECORDS))
    ratios, rows = {}, []
    for size, name in ((RECORDS, "scoring_vs_floor"), (1_000, "scoring_vs_floor_1000"), (100, "scoring_vs_floor_100")):
        event = {"Records": plain["Records"][:size]}
        row = _over_floor(model, event, event)
        ratios[name] = cast("float", row["over the floor"])
        rows.append({"what": f"{size:,} records"} | row)
    packed = [
        join([(f"key-{n}", data) for n, data in enumerate(payloads[first : first + 50])])
        for first in range(0, RECORDS, 50)
    ]
    spoilt = [b"{}" if number % 100 == 0 else data for number, data in enumerate(payloads)]
    sound = batch([data for data in spoilt if data != b"{}"])
    rows.append({"what": "6,000 listings, 50 in an aggregated record"} | _over_floor(model, batch(packed), plain))
    rows.append({"what": "6,000 records, of which 1 % are refused"} | _over_floor(model, batch(spoilt), sound))
    rows.append({"what": "6,000 records, with a challenger's shadow"} | _over_floor(model, plain, plain, _challenger()))
    steps = _steps(model, plain)
    others, times_faster = _others(model, plain)
    return Section(
        "Scoring a batch",
        ratios | times_faster,
        {"CPU, µs a record": rows, "where it goes, 6,000 records": steps, "other ways to do it": others},
        (
            "The floor is base64, decoding with every check, a bare run of the graph over columns that are ready, ids, "
            "and encoding of documents that are ready; with a challenger, a run of its graph, too.",
        ),
    )


def score(event: dict[str, Any], model: Model, challenger: Challenger | None = None) -> list[bytes]:
    """Return the encoded predictions of Lambda's event, as the function makes them."""
    arrived = Batch.of(event)
    submitted, _ = decode_batch(arrived, model.decode)
    submitted, priced, _ = predict(arrived, submitted, model)
    shadows = challenger.shadows(priced.homes) if challenger else None
    return [each.data for each in encode(submitted, priced, model.manifest, shadows)]


def _over_floor(
    model: Model, event: dict[str, Any], floor_event: dict[str, Any], challenger: Challenger | None = None
) -> dict[str, str | float]:
    answers = score(event, model, challenger)
    floor = floor_of(model, floor_event, answers, graphs=2 if challenger else 1)
    times = max(1, RECORDS // len(answers))
    took = side_by_side(
        {"ours": _repeated(lambda: score(event, model, challenger), times), "floor": _repeated(floor, times)}, ROUNDS
    )
    cost = {name: round(median(each) / times / len(answers) * 1e6, 2) for name, each in took.items()}
    return {**cost, "over the floor": ratio(took["ours"], took["floor"])}


def floor_of(model: Model, event: dict[str, Any], answers: list[bytes] | None = None, graphs: int = 1) -> Floor:
    """Return the floor of scoring an event; `graphs` of the champion run, and `answers` are what is encoded."""
    submitted, _ = decode_batch(Batch.of(event), model.decode)
    graph = _graph(model, model.price([each.data for each in submitted.events]).homes)
    return Floor(event, [graph] * graphs, answers or score(event, model))


def _repeated(work: Callable[[], object], times: int) -> Callable[[], object]:
    def run() -> None:
        for _ in range(times):
            work()

    return run


def _graph(model: Model, homes: list[Features]) -> Graph:
    """Return the champion's graph, and homes as it takes them."""
    columns = columns_of(homes)
    fed: dict[str, Any] = {name: each.astype(np.float32)[:, None] for name, each in columns.numbers.items()}
    for name, written in columns.texts.items():
        fed[name] = np.array(list(map(model.manifest.names.key(name), written)), dtype=np.object_)[:, None]
    return session(champion_files()[0]), fed


def _challenger() -> Challenger:
    """Return the champion as its own challenger."""
    objects = champion_objects()
    return Challenger(cast("Any", Bucket({**objects, CHALLENGER_KEY: objects[CHAMPION_KEY]})), "models")


def _steps(model: Model, event: dict[str, Any]) -> list[dict[str, str | float]]:
    arrived = Batch.of(event)
    submitted, _ = decode_batch(arrived, model.decode)
    _, priced, _ = predict(arrived, submitted, model)
    ready, fed = _graph(model, priced.homes)
    took = side_by_side(
        {
            "decode and validate": lambda: decode_batch(arrived, model.decode),
            "predict, the run included": lambda: predict(arrived, submitted, model),
            "the run alone": lambda: ready.run(None, fed),
            "encode": lambda: encode(submitted, priced, model.manifest),
        },
        ROUNDS,
    )
    return [{"step": name, "µs a record": round(median(each) / RECORDS * 1e6, 2)} for name, each in took.items()]


def _others(model: Model, event: dict[str, Any]) -> tuple[list[dict[str, str | float]], dict[str, float]]:
    """Return what other ways to score cost a record, and how many times faster ours is than two of them."""
    with tempfile.TemporaryDirectory() as folder:
        data = dataset()
        save_pyfunc(data.frame, Path(folder, "pyfunc"))
        service = PyfuncService(Path(folder, "pyfunc"))
        course = CourseLambda(train())
        few = {name: {"Records": event["Records"][:count]} for name, count in FEW.items()}
        works: dict[str, tuple[Callable[[], object], int]] = {
            "ours": (lambda: score(event, model), RECORDS),
            "MLflow pyfunc, a DataFrame and a predict a record": (lambda: service(few["a predict a record"]), 60),
            "MLflow pyfunc on a dict, a predict a record": (lambda: course(few["a predict a record, on a dict"]), 600),
            "MLflow pyfunc, a DataFrame and a predict a batch": (lambda: service.batch(event), RECORDS),
        }
        with one_thread():  # as a function has
            took = side_by_side({name: work for name, (work, _) in works.items()}, FEW_ROUNDS)
    cost = {name: [seconds / works[name][1] for seconds in each] for name, each in took.items()}
    rows = [{"way": name, "µs a record": round(median(each) * 1e6, 1)} for name, each in cost.items()]
    ours, seed, dict_style, _ = cost.values()
    return rows, {"scoring_vs_seed_style": ratio(seed, ours), "scoring_vs_course_reference": ratio(dict_style, ours)}
