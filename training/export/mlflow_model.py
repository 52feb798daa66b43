"""A model as MLflow keeps it: ONNX, which holds no code, with its signature and an example."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pricing.manifest import Input

EXAMPLE_ROWS = 3


def package(model: bytes, inputs: Sequence[Input], example: pd.DataFrame, folder: Path) -> None:
    """Write an MLflow model of the flavour `onnx` into a folder that does not exist yet."""
    import mlflow.onnx
    import onnx
    from mlflow.models.signature import ModelSignature
    from mlflow.types import Schema, TensorSpec

    kinds = {"string": np.dtype(object), "float32": np.dtype(np.float32)}
    columns = [TensorSpec(kinds[each.type], (-1, 1), each.name) for each in inputs]
    graph = onnx.load_from_string(model)
    said = [TensorSpec(kinds["float32"], (-1, 1), each.name) for each in graph.graph.output]
    mlflow.onnx.save_model(
        graph,
        str(folder),
        signature=ModelSignature(Schema(columns), Schema(said)),
        input_example={
            each.name: example[each.name].to_numpy(dtype=kinds[each.type])[:EXAMPLE_ROWS, None] for each in inputs
        },
        pip_requirements=["onnxruntime", "numpy"],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
