"""Boosted trees written as one ONNX node, so that every float32 takes the same branch as in scikit-learn.

scikit-learn compares float32 values with float64 thresholds; ONNX keeps thresholds as float32. Rounding a
threshold down to float32 changes no comparison `x <= threshold` of a float32 x, rounding to nearest would.
Source: sklearn.ensemble._hist_gradient_boosting.predictor (the nodes' fields), ai.onnx.ml TreeEnsembleRegressor.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from training.arrays import Floats, Log
from training.model.onnx_graph import Node
from training.params import Boosting


def fit_boosting(
    columns: Floats, target: Log, knobs: Boosting, seed: int, monotone: Sequence[int] | None = None
) -> HistGradientBoostingRegressor:
    """Fit trees on squared errors; `columns` of shape (N, K), NaN where unknown, `target` of shape (N,).

    `monotone`, K entries: 1 where the prediction may only rise with a column, -1 where it may only fall, else 0.
    """
    learner = HistGradientBoostingRegressor(
        max_iter=knobs.iterations,
        max_leaf_nodes=knobs.leaves,
        learning_rate=knobs.learning_rate,
        min_samples_leaf=knobs.min_samples_leaf,
        l2_regularization=knobs.l2,
        max_features=knobs.max_features,
        early_stopping=False,
        monotonic_cst=monotone,
        random_state=seed,
    )
    known = ~np.isnan(columns).all(axis=0)  # a column of which nothing is known has no thresholds to choose from
    return learner.fit(np.where(known, columns, np.float32(0)), target)


def write_boosting(columns: Node, boosting: HistGradientBoostingRegressor) -> Node:
    """Write a fitted boosting without categorical splits; return its predictions, [N, 1]."""
    attributes: dict[str, list[Any]] = {}
    for place, (predictor,) in enumerate(boosting._predictors):
        for name, values in _tree(place, predictor.nodes).items():
            attributes.setdefault(name, []).extend(values)
    return columns.graph.op(
        "TreeEnsembleRegressor",
        columns,
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        base_values=[float(boosting._baseline_prediction.item())],
        **attributes,
    )


def _tree(tree: int, nodes: NDArray[Any]) -> dict[str, list[Any]]:
    if nodes["is_categorical"].any():
        raise ValueError("categorical splits do not convert")
    leaf = nodes["is_leaf"].astype(bool)
    places = np.arange(len(nodes))
    return {
        "nodes_treeids": [tree] * len(nodes),
        "nodes_nodeids": places.tolist(),
        "nodes_featureids": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values": np.where(leaf, np.float32(0), round_down(nodes["num_threshold"])).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, nodes["left"]).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, nodes["right"]).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, nodes["missing_go_to_left"]).tolist(),
        "target_treeids": [tree] * int(leaf.sum()),
        "target_nodeids": places[leaf].tolist(),
        "target_ids": [0] * int(leaf.sum()),
        "target_weights": nodes["value"][leaf].tolist(),
    }


def round_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is no larger than each threshold."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)
