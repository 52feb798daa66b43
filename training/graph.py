"""A small writer of ONNX graphs: arithmetic on nodes, tables looked up by text, trees, dense layers.

The writer and numpy understand the same operators, so that `training.encoding` describes its
columns once and both compute them. Names are counted, never random: the same model gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Node:
    """A tensor in a graph that is being written."""

    graph: "Graph"
    name: str

    def __add__(self, other: "Node | float") -> "Node":
        return self.graph.op("Add", self, other)

    def __sub__(self, other: "Node | float") -> "Node":
        return self.graph.op("Sub", self, other)

    def __mul__(self, other: "Node | float") -> "Node":
        return self.graph.op("Mul", self, other)

    def __truediv__(self, other: "Node | float") -> "Node":
        return self.graph.op("Div", self, other)

    def __le__(self, other: "Node | float") -> "Node":
        return self.graph.op("LessOrEqual", self, other)

    def __ge__(self, other: "Node | float") -> "Node":
        return self.graph.op("GreaterOrEqual", self, other)

    def __and__(self, other: "Node") -> "Node":
        return self.graph.op("And", self, other)


class Graph:
    """An ONNX graph being written: columns [N, 1] in, one column [N, 1] of float32 out."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._tensors: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, *, text: bool) -> Node:
        """Declare an input column, text or float32."""
        kind = TensorProto.STRING if text else TensorProto.FLOAT
        self._inputs.append(helper.make_tensor_value_info(name, kind, [None, 1]))
        return Node(self, name)

    def op(self, kind: str, *inputs: "Node | float | NDArray[Any]", domain: str = "", **attributes: Any) -> Node:  # noqa: ANN401 - whatever ONNX takes
        """Append an operator with one output; numbers and arrays become constants."""
        names = [each.name if isinstance(each, Node) else self._constant(each) for each in inputs]
        output = f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, names, [output], name=f"node_{len(self._nodes)}", domain=domain, **attributes)
        self._nodes.append(node)
        return Node(self, output)

    def _constant(self, value: "float | NDArray[Any]") -> str:
        array = np.asarray(value, dtype=np.float32) if isinstance(value, float | int | np.floating) else value
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def finish(self, output: Node, output_name: str) -> bytes:
        """Return the model as bytes, checked by ONNX itself."""
        self._nodes.append(helper.make_node("Identity", [output.name], [output_name], name="output"))
        column = helper.make_tensor_value_info(output_name, TensorProto.FLOAT, [None, 1])
        graph = helper.make_graph(self._nodes, "house_price", self._inputs, [column], self._tensors)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="training")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


class GraphOps:
    """What operators cannot say, for nodes of a graph; `ArrayOps` says the same for arrays."""

    def where(self, condition: Node, yes: Node | float, no: Node | float) -> Node:
        """Choose by row."""
        return condition.graph.op("Where", condition, yes, no)

    def unknown(self, column: Node) -> Node:
        """Tell where a number is NaN."""
        return column.graph.op("IsNaN", column)

    def log(self, column: Node) -> Node:
        """Return the natural logarithm."""
        return column.graph.op("Log", column)

    def lookup(self, column: Node, keys: Sequence[str], table: Floats) -> list[Node]:
        """Return the table's columns at each row's key; the last row of the table is for other keys."""
        index = column.graph.op(
            "LabelEncoder",
            column,
            domain="ai.onnx.ml",
            keys_strings=list(keys),
            values_int64s=list(range(len(keys))),
            default_int64=len(keys),
        )
        flat = column.graph.op("Reshape", index, np.array([-1], dtype=np.int64))
        rows = column.graph.op("Gather", table, flat, axis=0)
        return [
            column.graph.op("Slice", rows, *(np.array([n], dtype=np.int64) for n in (i, i + 1, 1)))
            for i in range(table.shape[1])
        ]

    def join(self, columns: Sequence[Node]) -> Node:
        """Put columns side by side."""
        return columns[0].graph.op("Concat", *columns, axis=1)


class ArrayOps:
    """The same for float32 arrays of shape (N, 1)."""

    def where(self, condition: NDArray[np.bool_], yes: Floats | float, no: Floats | float) -> Floats:
        """Choose by row."""
        return np.where(condition, np.float32(yes), np.float32(no)).astype(np.float32, copy=False)

    def unknown(self, column: Floats) -> NDArray[np.bool_]:
        """Tell where a number is NaN."""
        return np.isnan(column)

    def log(self, column: Floats) -> Floats:
        """Return the natural logarithm."""
        return np.log(column)

    def lookup(self, column: NDArray[Any], keys: Sequence[str], table: Floats) -> list[Floats]:
        """Return the table's columns at each row's key; the last row of the table is for other keys."""
        places: Mapping[str, int] = {key: i for i, key in enumerate(keys)}
        rows = table[[places.get(key, len(keys)) for key in column[:, 0]]]
        return [rows[:, i : i + 1] for i in range(table.shape[1])]

    def join(self, columns: Sequence[Floats]) -> Floats:
        """Put columns side by side."""
        return np.concatenate(columns, axis=1)
