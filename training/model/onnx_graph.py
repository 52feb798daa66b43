"""A small writer of ONNX graphs: arithmetic on nodes, tables looked up by text, trees, dense layers.

The writer and numpy understand the same operators, so that `training.model.features` describes its
columns once and both compute them. Names are counted, never random: the same model gives the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A tensor in a graph that is being written."""

    graph: "Graph"
    name: str

    def __add__(self, other: "Operand") -> "Node":
        return self.graph.op("Add", self, other)

    def __sub__(self, other: "Operand") -> "Node":
        return self.graph.op("Sub", self, other)

    def __mul__(self, other: "Operand") -> "Node":
        return self.graph.op("Mul", self, other)

    def __truediv__(self, other: "Operand") -> "Node":
        return self.graph.op("Div", self, other)

    def __le__(self, other: "Operand") -> "Node":  # type: ignore[misc] # arrays compare with nodes nowhere
        return self.graph.op("LessOrEqual", self, other)

    def __ge__(self, other: "Operand") -> "Node":  # type: ignore[misc] # as above
        return self.graph.op("GreaterOrEqual", self, other)

    def __and__(self, other: "Node") -> "Node":
        return self.graph.op("And", self, other)

    def __or__(self, other: "Node") -> "Node":
        return self.graph.op("Or", self, other)


Operand = Node | float | NDArray[Any]  # numbers and arrays become constants


class Graph:
    """An ONNX graph being written: columns [N, 1] in, columns [N, 1] of float32 out."""

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

    def op(self, kind: str, *inputs: "Operand", domain: str = "", **attributes: Any) -> Node:  # noqa: ANN401 - whatever ONNX takes
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

    def finish(self, outputs: Mapping[str, Node]) -> bytes:
        """Return the model as bytes, checked by ONNX itself; `outputs` by the names that they are to have."""
        for name, node in outputs.items():
            self._nodes.append(helper.make_node("Identity", [node.name], [name], name=f"output_{name}"))
        columns = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in outputs]
        graph = helper.make_graph(self._nodes, "house_price", self._inputs, columns, self._tensors)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="training")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
