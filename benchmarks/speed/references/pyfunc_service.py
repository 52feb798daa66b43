"""A service as MLflow's examples have it: a pyfunc model, and for each record a DataFrame and a predict.

And the same model asked once a batch, as somebody would write who has met pandas before.
"""

import base64
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

NUMBERS = ["area_m2", "rooms", "garage_places", "adm_fees", "latitude", "longitude"]
CATEGORIES = ["neighborhood"]


def save_pyfunc(frame: pd.DataFrame, folder: Path) -> None:
    """Fit a boosting of 350 trees with 24 leaves to a frame with the column `price`, and save it as an MLflow model."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", encoder, CATEGORIES)], remainder="passthrough")
    pipeline = make_pipeline(
        columns, HistGradientBoostingRegressor(max_iter=350, max_leaf_nodes=24, learning_rate=0.05)
    )
    pipeline.fit(frame[CATEGORIES + NUMBERS], np.log(frame["price"]))
    mlflow.sklearn.save_model(pipeline, folder, serialization_format="cloudpickle")


class PyfuncService:
    """Scores Lambda events, a record at a time."""

    def __init__(self, folder: Path) -> None:
        self.model = mlflow.pyfunc.load_model(str(folder))

    def __call__(self, event: dict[str, Any]) -> list[str]:
        """Return a prediction for each record."""
        predictions = []
        for record in event["Records"]:
            listing = json.loads(base64.b64decode(record["kinesis"]["data"]))
            frame = (
                pd.DataFrame([listing["data"]])
                .reindex(columns=CATEGORIES + NUMBERS)
                .astype(dict.fromkeys(NUMBERS, float))
            )
            price = float(np.exp(self.model.predict(frame)[0]))
            predictions.append(json.dumps({"listing_id": listing["data"]["listing_id"], "predicted_price": price}))
        return predictions

    def batch(self, event: dict[str, Any]) -> list[str]:
        """Return the same, with one DataFrame and one predict for all records."""
        listings = [json.loads(base64.b64decode(record["kinesis"]["data"]))["data"] for record in event["Records"]]
        return [
            json.dumps({"listing_id": listing["listing_id"], "predicted_price": float(price)})
            for listing, price in zip(listings, self._prices(listings), strict=True)
        ]

    def _prices(self, listings: list[dict[str, Any]]) -> np.ndarray:
        frame = pd.DataFrame(listings).reindex(columns=CATEGORIES + NUMBERS).astype(dict.fromkeys(NUMBERS, float))
        return np.exp(self.model.predict(frame))
