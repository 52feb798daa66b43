"""What operators cannot say of columns, once for float32 arrays and once for nodes of a graph.

`training.model.features` and `training.model.smoothing` are written against these, so that training and serving
share one description of every column.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.arrays import Floats
from training.model.onnx_graph import Graph, Node, Operand

Bools = NDArray[np.bool_]

_NO_KEY = "\0"  # an operator wants one


class ArrayOps:
    """For arrays of shape (N, K)."""

    def where(self, condition: Bools, yes: Floats | np.float32, no: Floats | np.float32) -> Floats:
        """Choose by row and column."""
        return np.where(condition, yes, no)

    def unknown(self, columns: Floats) -> Bools:
        """Tell where a number is NaN."""
        return np.isnan(columns)

    def log(self, columns: Floats) -> Floats:
        """Return natural logarithms."""
        return np.log(columns)

    def sqrt(self, columns: Floats) -> Floats:
        """Return square roots."""
        return np.sqrt(columns)

    def maximum(self, one: Floats, other: Floats) -> Floats:
        """Return the larger of two."""
        return np.maximum(one, other)

    def minimum(self, one: Floats, other: Floats) -> Floats:
        """Return the smaller of two."""
        return np.minimum(one, other)

    def clip(self, columns: Floats, low: float, high: float) -> Floats:
        """Return columns within bounds."""
        return np.clip(columns, np.float32(low), np.float32(high))

    def number(self, columns: Bools) -> Floats:
        """Return 1 for true and 0 for false."""
        return columns.astype(np.float32)

    def pick(self, columns: Bools, places: NDArray[np.int64]) -> Bools:
        """Return some of the columns."""
        return columns[:, places]

    def join(self, columns: Sequence[Floats]) -> Floats:
        """Put columns side by side."""
        return np.concatenate(columns, axis=1)

    def lookup(self, column: NDArray[Any], keys: Sequence[str], table: Floats) -> list[Floats]:
        """Return the table's columns at each row's key; the last row of the table is for other keys."""
        places = {key: place for place, key in enumerate(keys)}
        rows = table[[places.get(key, len(keys)) for key in column[:, 0]]]
        return [rows[:, place : place + 1] for place in range(table.shape[1])]


class GraphOps:
    """The same for nodes of shape [N, K]."""

    def where(self, condition: Node | Bools, yes: Operand, no: Operand) -> Node:
        """Choose by row and column."""
        return _graph(condition, yes, no).op("Where", condition, yes, no)

    def unknown(self, columns: Node) -> Node:
        """Tell where a number is NaN."""
        return columns.graph.op("IsNaN", columns)

    def log(self, columns: Node) -> Node:
        """Return natural logarithms."""
        return columns.graph.op("Log", columns)

    def sqrt(self, columns: Node) -> Node:
        """Return square roots."""
        return columns.graph.op("Sqrt", columns)

    def maximum(self, one: Node, other: Operand) -> Node:
        """Return the larger of two."""
        return one.graph.op("Max", one, other)

    def minimum(self, one: Node, other: Operand) -> Node:
        """Return the smaller of two."""
        return one.graph.op("Min", one, other)

    def clip(self, columns: Node, low: float, high: float) -> Node:
        """Return columns within bounds."""
        return columns.graph.op("Clip", columns, low, high)

    def number(self, columns: Node) -> Node:
        """Return 1 for true and 0 for false."""
        return columns.graph.op("Cast", columns, to=1)

    def pick(self, columns: Node, places: NDArray[np.int64]) -> Node:
        """Return some of the columns."""
        return columns.graph.op("Gather", columns, places, axis=1)

    def join(self, columns: Sequence[Node]) -> Node:
        """Put columns side by side."""
        return columns[0].graph.op("Concat", *columns, axis=1)

    def lookup(self, column: Node, keys: Sequence[str], table: Floats) -> list[Node]:
        """Return the table's columns at each row's key; the last row of the table is for other keys."""
        graph = column.graph
        index = graph.op(
            "LabelEncoder",
            column,
            domain="ai.onnx.ml",
            keys_strings=list(keys) or [_NO_KEY],
            values_int64s=list(range(len(keys))) or [0],  # the last row, where it is the only one
            default_int64=len(keys),
        )
        rows = graph.op("Gather", table, graph.op("Reshape", index, np.array([-1])), axis=0)
        return [
            graph.op("Slice", rows, *(np.array([each]) for each in (place, place + 1, 1)))
            for place in range(table.shape[1])
        ]


def _graph(*operands: Operand) -> Graph:
    return next(each.graph for each in operands if isinstance(each, Node))
