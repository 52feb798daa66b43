"""Small real champions: an ONNX graph, a manifest and a pointer, as the training room would write them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pricing import manifest as layout
from pricing.listing import Features
from pricing.manifest import Golden, Input, Manifest, Offsets, Pointer
from pricing.places import place_key

NEIGHBORHOODS = {"Buritis": 0.0, "Savassi": 0.4, "Lourdes": 0.5}
BASE, PER_LOG_AREA = 9.0, 0.9
GOLDEN = [
    Features(neighborhood="Buritis", area_m2=102.0, rooms=3),
    Features(neighborhood="Savassi", area_m2=60.0),
    Features(neighborhood="nobody has been there", area_m2=400.0, rooms=12, garage_places=4),
]


@dataclass(frozen=True)
class TinyChampion:
    """Log price = base + 0.9 log(area) + the neighbourhood's level; unknown neighbourhoods have level 0.2."""

    version: str
    model: bytes
    manifest: bytes
    previous: str | None = None

    @property
    def pointer(self) -> bytes:
        digest = hashlib.sha256(self.manifest).hexdigest()
        return layout.encode(
            Pointer(
                version=self.version,
                manifest_sha256=digest,
                previous=self.previous,
                promoted_at="2026-11-24T00:00:00Z",
                promoted_by="manual",
            )
        )

    def put(self, s3: Any, bucket: str) -> None:
        """Write the version and point to it."""
        s3.put_object(Bucket=bucket, Key=layout.model_key(self.version), Body=self.model)
        s3.put_object(Bucket=bucket, Key=layout.manifest_key(self.version), Body=self.manifest)
        s3.put_object(Bucket=bucket, Key=layout.CHAMPION_KEY, Body=self.pointer)


def price(neighborhood: str, area_m2: float, base: float = BASE) -> float:
    """Return what a tiny champion asks for a home, in BRL."""
    return float(np.exp(base + PER_LOG_AREA * np.log(area_m2) + NEIGHBORHOODS.get(neighborhood, 0.2)))


def champion(version: str = "1", *, base: float = BASE, previous: str | None = None, **changes: Any) -> TinyChampion:
    """Return a champion that came after `previous`; `changes` replace fields of its manifest, to spoil it."""
    model = _graph(base)
    contract = Manifest(
        name=layout.MODEL_NAME,
        version=version,
        created_at="2026-11-24T00:00:00Z",
        sha256=hashlib.sha256(model).hexdigest(),
        inputs=[Input("neighborhood", "string"), Input("area_m2", "float32"), Input("rooms", "float32")],
        interval=Offsets(coverage=0.9, edges=[13.0], low=[-0.4, -0.3], high=[0.4, 0.3]),
        golden=[Golden(row, float(np.log(price(row.neighborhood, row.area_m2, base)))) for row in GOLDEN],
        metrics={},
        generated_data=True,
        data_sha256="0" * 64,
        mlflow_run_id="none",
        libraries={"onnx": onnx.__version__},
        reference={},
    )
    document = json.loads(layout.encode(contract)) | changes
    return TinyChampion(version, model, msgspec.json.encode(document), previous)


def slow(version: str, turns: int = 5_000_000, previous: str | None = None) -> TinyChampion:
    """Return a champion that is right and takes its time: half a microsecond a turn, so many turns a listing."""
    model = onnx.load_model_from_string(champion(version).model)
    graph = model.graph
    constants = {"first": np.array(0), "turns_each": np.array(turns), "go": np.array(True)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node[-1].output[0] = "answer"
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["go_on"]), helper.make_node("Identity", ["held"], ["handed_on"])],
        "turn",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, ["N", 1]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("handed_on", TensorProto.FLOAT, ["N", 1]),
        ],
    )
    graph.node.extend(
        [
            helper.make_node("Shape", ["answer"], ["shape"]),
            helper.make_node("Gather", ["shape", "first"], ["listings"]),
            helper.make_node("Mul", ["listings", "turns_each"], ["turns"]),
            helper.make_node("Loop", ["turns", "go", "answer"], ["log_price"], body=body),
        ]
    )
    return with_model(champion(version, previous=previous), model)


def stiff(version: str, previous: str | None = None) -> TinyChampion:
    """Return a champion that is right about its three golden rows, and fails on any other number of listings."""
    model = onnx.load_model_from_string(champion(version).model)
    model.graph.initializer.append(numpy_helper.from_array(np.array([3, 1], np.int64), "three"))
    model.graph.node[-1].output[0] = "free"
    model.graph.node.append(helper.make_node("Reshape", ["free", "three"], ["log_price"]))
    return with_model(champion(version, previous=previous), model)


def crashing(version: str) -> TinyChampion:
    """Return a champion that proves itself, and fails on a batch with a home in Lourdes: no golden row stands there."""
    model = onnx.load_model_from_string(champion(version).model)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "shelf"))
    model.graph.node[-1].output[0] = "answer"
    model.graph.node.extend(
        [
            helper.make_node(
                "LabelEncoder",
                ["neighborhood"],
                ["place"],
                domain="ai.onnx.ml",
                keys_strings=["Lourdes"],
                values_int64s=[7],
                default_int64=0,
            ),
            helper.make_node("Gather", ["shelf", "place"], ["nothing_more"]),
            helper.make_node("Add", ["answer", "nothing_more"], ["log_price"]),
        ]
    )
    return with_model(champion(version), model)


UNSURE, MOST_UNSURE = 0.002, 0.5  # of a log price: what `unsure` expects to err by for each m², and at most


def expected_error(area_m2: float) -> float:
    """Return how far off the price of a home is, as `unsure` says."""
    return min(area_m2 * UNSURE, MOST_UNSURE)


def unsure(version: str = "1", *, base: float = BASE, coverage: float = 0.9, **changes: Any) -> TinyChampion:
    """Return a champion that says how large its error will be; its interval is twice that to either side.

    Confidence is A below 50 m², and one class less for every further 50 m².
    """
    model = onnx.load_model_from_string(champion(version, base=base).model)
    for name, value in (("unsure", UNSURE), ("most_unsure", MOST_UNSURE)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.float32), name))
    model.graph.node.append(helper.make_node("Mul", ["area_m2", "unsure"], ["by_area"]))
    model.graph.node.append(helper.make_node("Min", ["by_area", "most_unsure"], ["expected_error"]))
    model.graph.output.append(helper.make_tensor_value_info("expected_error", TensorProto.FLOAT, ["N", 1]))
    golden = [
        Golden(row, float(np.log(price(row.neighborhood, row.area_m2, base))), expected_error(row.area_m2))
        for row in GOLDEN
    ]
    interval = Offsets(coverage, [13.0], [-2.0, -2.0], [2.0, 2.0], [0.1, 0.2, 0.3, 0.4])
    said = msgspec.to_builtins({"interval": interval, "golden": golden})
    return with_model(champion(version, base=base, **(said | changes)), model)


def keyed(version: str = "1") -> TinyChampion:
    """Return a champion that knows places by their keys, as those of today do."""
    model = onnx.load_model_from_string(_graph(BASE, map(place_key, NEIGHBORHOODS)))
    return with_model(champion(version, place_names="key"), model)


def with_model(made: TinyChampion, model: onnx.ModelProto) -> TinyChampion:
    """Return the champion with another model, of which its manifest knows."""
    content = model.SerializeToString()
    manifest = json.loads(made.manifest) | {"sha256": hashlib.sha256(content).hexdigest()}
    return replace(made, model=content, manifest=json.dumps(manifest).encode())


def _graph(base: float, names: Iterable[str] = NEIGHBORHOODS) -> bytes:
    column = ["N", 1]
    inputs = [
        helper.make_tensor_value_info("neighborhood", TensorProto.STRING, column),
        helper.make_tensor_value_info("area_m2", TensorProto.FLOAT, column),
        helper.make_tensor_value_info("rooms", TensorProto.FLOAT, column),
    ]
    constants = [
        numpy_helper.from_array(np.array([base], np.float32), "base"),
        numpy_helper.from_array(np.array([PER_LOG_AREA], np.float32), "slope"),
    ]
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["neighborhood"],
            ["level"],
            domain="ai.onnx.ml",
            keys_strings=list(names),
            values_floats=list(NEIGHBORHOODS.values()),
            default_float=0.2,
        ),
        helper.make_node("Log", ["area_m2"], ["log_area"]),
        helper.make_node("Mul", ["log_area", "slope"], ["of_area"]),
        helper.make_node("Add", ["of_area", "level"], ["sum"]),
        helper.make_node("IsNaN", ["rooms"], ["rooms_unknown"]),
        helper.make_node("Cast", ["rooms_unknown"], ["one_or_none"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one_or_none", "one_or_none"], ["nothing"]),
        helper.make_node("Add", ["sum", "nothing"], ["without_base"]),
        helper.make_node("Add", ["without_base", "base"], ["log_price"]),
    ]
    output = helper.make_tensor_value_info("log_price", TensorProto.FLOAT, column)
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
