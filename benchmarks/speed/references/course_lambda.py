"""The streaming function of a well-known MLOps course, for listings: a record, a prediction, a put_record at a time.

Written in its style: MLflow's pyfunc, handed a dict, over a DictVectorizer and a LinearRegression.
"""

import base64
import json
import tempfile
from typing import Any

import mlflow
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from benchmarks.speed.measuring import dataset

CATEGORICAL = ["neighborhood"]
NUMERICAL = ["area_m2", "rooms", "garage_places"]


def train() -> Any:
    """Return the model as MLflow loads it."""
    frame = dataset().frame
    pipeline = make_pipeline(DictVectorizer(), LinearRegression())
    pipeline.fit(frame[CATEGORICAL + NUMERICAL].fillna(0).to_dict(orient="records"), frame["price"])
    with tempfile.TemporaryDirectory() as folder:
        mlflow.sklearn.save_model(pipeline, f"{folder}/model", serialization_format="cloudpickle")
        return mlflow.pyfunc.load_model(f"{folder}/model")


def prepare_features(listing: dict[str, Any]) -> dict[str, Any]:
    """Return what the model reads."""
    features = {}
    features["neighborhood"] = listing["neighborhood"]
    for name in NUMERICAL:
        features[name] = float(listing.get(name) or 0)
    return features


class CourseLambda:
    """The function; without a client nothing is put."""

    def __init__(self, model: Any, kinesis: Any = None) -> None:
        self.model = model
        self.kinesis = kinesis

    def predict(self, features: dict[str, Any]) -> float:
        """Return a price."""
        pred = self.model.predict(features)
        return float(pred[0])

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Handle a batch."""
        predictions = []
        for record in event["Records"]:
            encoded_data = record["kinesis"]["data"]
            decoded_data = base64.b64decode(encoded_data).decode("utf-8")
            listing = json.loads(decoded_data)["data"]

            features = prepare_features(listing)
            prediction = self.predict(features)

            prediction_event = {
                "model": "house_price_prediction_model",
                "version": "123",
                "prediction": {"price": prediction, "listing_id": listing["listing_id"]},
            }
            if self.kinesis:
                self.kinesis.put_record(
                    StreamName="predictions",
                    Data=json.dumps(prediction_event),
                    PartitionKey=str(listing["listing_id"]),
                )
            predictions.append(prediction_event)
        return {"predictions": predictions}
