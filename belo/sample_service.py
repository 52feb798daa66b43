"""`POST /price` in this process: the handler itself, with a champion trained on the generated sample, quickly."""

import contextlib
import hashlib
import io
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from lambdas.asking.explaining import Explainers
from lambdas.price_api import PriceApi
from lambdas.scoring.champion import Champion
from pricing.manifest import CHAMPION_KEY, Pointer, encode, manifest_key, model_key
from pricing.normalise import SPELLINGS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from training.data.listings import Dataset

Objects = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Bucket:
    """As much of an S3 client as the handler needs: objects that are read."""

    objects: Objects

    def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803 - S3's own names
        """Return an object; raises ClientError where there is none."""
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = self.objects[Key]
        return {"Body": io.BytesIO(body), "ContentLength": len(body), "ETag": f'"{hashlib.md5(body).hexdigest()}"'}  # noqa: S324


def service(objects: Objects) -> PriceApi:
    """Return the handler with the champion that the objects of a models bucket hold."""
    s3 = cast("S3Client", Bucket(objects))
    return PriceApi(Champion(s3, "models", poll_seconds=math.inf), Explainers(s3, "models"))


def sample() -> "Dataset":
    """Return the generated sample."""
    from listing_files.rejects import Reading
    from training.data.load import load_data
    from training.params import choose_params

    return load_data(None, Reading(choose_params(quick=True).market))


def trained(data: "Dataset") -> Objects:
    """Return a models bucket with a champion trained on a file, in a quarter of a minute or so."""
    from mlflow import MlflowClient

    from training.params import choose_params
    from training.registry.kept_listings import beside
    from training.registry.mlflow_registry import Registry
    from training.train import train

    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        Registry.open({"MLFLOW_TRACKING_URI": store})  # makes it
        registry = Registry(MlflowClient(store, store), Path(folder, "artifacts").as_uri())
        version = train(data, choose_params(quick=True), registry).version
        found = registry.find(version)
        model, manifest = registry.artefacts(found)
        kept = beside(version, found.run_id, registry)
    pointer = Pointer(
        version=version,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        previous=None,
        promoted_at="2026-11-24T00:00:00Z",
        promoted_by="manual",
    )
    return {CHAMPION_KEY: encode(pointer), model_key(version): model, manifest_key(version): manifest, **kept}


def example(data: "Dataset", api: PriceApi) -> dict[str, Any]:
    """Return the first home of a file in both spellings, and what the service says to it, with reasons."""
    row = data.frame.iloc[0]
    canonical: dict[str, Any] = {
        "listing_id": "A-1",
        "neighborhood": row.written_neighborhood,
        "address": f"{row.written_street}, 12",
        "area_m2": float(row.area_m2),
        "rooms": int(row.rooms),
        "garage_places": int(row.garage_places),
        "adm_fees": float(row.adm_fees),
        "latitude": round(float(row.latitude), 6),
        "longitude": round(float(row.longitude), 6),
    }
    scraped = dict(canonical)
    for spelt, name in SPELLINGS.items():
        scraped[spelt] = f"{scraped.pop(name):g}"
    scraped["rooms"] = str(scraped["rooms"])
    return {"canonical": canonical, "scraped": scraped, "explained": explained(api, canonical)}


def explained(api: PriceApi, listing: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return what the service says to a listing that is asked with explain=1."""
    event = {
        "headers": {"content-type": "application/json"},
        "queryStringParameters": {"explain": "1"},
        "body": json.dumps(listing),
    }
    with contextlib.redirect_stdout(io.StringIO()):  # metrics
        return json.loads(api(event)["body"])
