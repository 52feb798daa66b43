"""A market in memory: homes, a champion's predictions for them, sales, and the archive that holds them."""

import functools
import gzip
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.sales import REPORTED_AT, Sale, encode, key
from pricing import manifest as layout
from pricing.listing import Features
from pricing.manifest import Golden, Input, Manifest, Offsets, Pointer
from tests.market import MARKET
from training.data.frames import to_frame
from training.export.reference import reference
from training.registry.models_bucket import sha256

MODELS, DEAD_LETTERS, ARCHIVE = "models", "dead-letters", "archive"
START = datetime(2026, 11, 1, tzinfo=UTC)
SPREAD = 0.28  # of log(asking / predicted)
HALF_WIDTH = 1.645 * SPREAD


@dataclass
class Market:
    """Homes like those of the training part; `rise` multiplies sale prices, `grow` areas. Seeded."""

    seed: int = 1
    rise: float = 1.0
    grow: float = 1.0
    discount: float = 0.05  # log of asking over sale price
    fees_known: float = 0.66
    version: str = "7"
    draw: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.draw = np.random.default_rng(self.seed)

    def but(self, **changes: Any) -> "Market":
        """Return a market that differs."""
        return replace(self, **changes)

    def homes(self, n: int) -> list[Features]:
        """Return homes as a model sees them."""
        area = (np.exp(self.draw.normal(4.7, 0.5, n)) * self.grow).clip(20, 1_000).round()
        place = self.draw.zipf(1.3, n) % 60
        known = self.draw.random(n) < self.fees_known
        return [
            Features(
                neighborhood=f"Vila {place[i]}",
                street=f"Rua {place[i]}",
                area_m2=float(area[i]),
                rooms=float(self.draw.integers(1, 5)),
                garage_places=float(self.draw.integers(0, 4)) if self.draw.random() > 0.09 else None,
                adm_fees=float(round(5 * area[i], -1)) if known[i] else None,
                latitude=-19.9 + 0.01 * float(self.draw.normal()),
                longitude=-43.95 + 0.01 * float(self.draw.normal()),
            )
            for i in range(n)
        ]

    def predictions(self, n: int, first: int = 0, start: datetime = START) -> list[ArchivedPrediction]:
        """Return predictions of n homes, numbered from `first`, a minute apart."""
        return [
            self._prediction(home, first + number, start + timedelta(minutes=number))
            for number, home in enumerate(self.homes(n))
        ]

    def _prediction(self, home: Features, number: int, at: datetime) -> ArchivedPrediction:
        price = math.exp(log_price(home))
        return ArchivedPrediction(
            id=f"{number:032x}",
            time=at.isoformat(),
            arrived_at=at,
            listing_id=f"L-{number}",
            event_source="/marketplace",
            event_id=f"e-{number}",
            predicted_price=price,
            low=price * math.exp(-HALF_WIDTH),
            high=price * math.exp(HALF_WIDTH),
            coverage=0.9,
            model_version=self.version,
            shadow_version=None,
            shadow_price=None,
            **{name: getattr(home, name) for name in Features.__struct_fields__},
        )

    def sales(self, predictions: list[ArchivedPrediction]) -> list[Sale]:
        """Return what the predicted homes were sold for; residuals have heavy tails (Student's t, 4 degrees)."""
        residual = self.draw.standard_t(4, len(predictions)) * SPREAD / np.sqrt(2)
        return [
            Sale(
                row.listing_id,
                float(round(row.predicted_price * self.rise * np.exp(-self.discount + rest), 2)),
                (row.arrived_at + timedelta(days=3)).isoformat(),
            )
            for row, rest in zip(predictions, residual, strict=True)
        ]


def log_price(home: Features) -> float:
    """Return what the champion says."""
    return 9.2 + 0.75 * math.log(home.area_m2) + 0.1 * (home.rooms or 0)


@functools.cache
def reference_of(seed: int, rows: int = 4_000) -> dict[str, Any]:
    """Return the reference that training would write for homes of a plain market."""
    market = Market(seed=seed)
    homes = market.homes(rows)
    offsets = market.draw.normal(0, SPREAD, 800)
    return reference(to_frame(homes, MARKET), np.array([log_price(home) for home in homes]), offsets)


@dataclass
class Cloud:
    """The buckets, filled by hand."""

    s3: Any

    def promote(self, version: str = "7", at: datetime = START, **changes: Any) -> None:
        """Let a version with the reference of a plain market serve since a time."""
        document = layout.encode(
            Manifest(
                name=layout.MODEL_NAME,
                version=version,
                created_at=at.isoformat(),
                sha256="0" * 64,
                inputs=[Input("area_m2", "float32")],
                interval=Offsets(0.9, [12.6, 13.1], [-HALF_WIDTH] * 3, [HALF_WIDTH] * 3),
                golden=[Golden(Features(neighborhood="Buritis", area_m2=100.0), 13.0)],
                metrics={},
                generated_data=True,
                data_sha256="0" * 64,
                mlflow_run_id="none",
                libraries={},
                reference=changes.get("reference", reference_of(99)),
            )
        )
        pointer = Pointer(
            version=version,
            manifest_sha256=sha256(document),
            previous=None,
            promoted_at=at.isoformat(),
            promoted_by="manual",
        )
        self.s3.put_object(Bucket=MODELS, Key=layout.manifest_key(version), Body=document)
        self.s3.put_object(Bucket=MODELS, Key=layout.CHAMPION_KEY, Body=layout.encode(pointer))

    def archive(self, rows: list[ArchivedPrediction], name: str = "shard-0-1") -> None:
        """Write predictions as a batch, under the day of the first."""
        body = gzip.compress(msgspec.json.Encoder().encode_lines(rows), mtime=0)
        place = f"predictions/dt={rows[0].arrived_at:%Y-%m-%d}/{name}.ndjson.gz"
        self.s3.put_object(Bucket=ARCHIVE, Key=place, Body=body)

    def report(self, sales: list[Sale], at: datetime) -> None:
        """Write sales as `belo report-sales` does."""
        body = encode(sales)
        self.s3.put_object(Bucket=ARCHIVE, Key=key(body, at), Body=body, Metadata={REPORTED_AT: at.isoformat()})
