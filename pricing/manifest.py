"""What stands beside a model in S3, and where: the one definition of the artefact layout.

house-price/versions/<v>/model.onnx
house-price/versions/<v>/manifest.json
house-price/versions/<v>/homes.npz    the homes it has learnt (`LearntHomes`), where its training said so
house-price/versions/<v>/comparables.json.gz    what it has learnt, as comparables are looked up in (`Comparables`)
house-price/champion.json, house-price/challenger.json
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from pricing.listing import Features
from pricing.market import Affixes, Market
from pricing.places import NameKey, neighborhood_key, place_key


class ContractMismatch(Exception):
    """A model that is not what its manifest says, or that this code cannot serve."""


MODEL_NAME = "house-price"
CHAMPION_KEY = f"{MODEL_NAME}/champion.json"
CHALLENGER_KEY = f"{MODEL_NAME}/challenger.json"


def model_key(version: str) -> str:
    """Return where in the models bucket a version's ONNX file stands."""
    return f"{MODEL_NAME}/versions/{version}/model.onnx"


def manifest_key(version: str) -> str:
    """Return where in the models bucket a version's manifest stands."""
    return f"{MODEL_NAME}/versions/{version}/manifest.json"


def comparables_key(version: str) -> str:
    """Return where in the models bucket a version's comparables stand."""
    return f"{MODEL_NAME}/versions/{version}/comparables.json.gz"


def homes_key(version: str) -> str:
    """Return where in the models bucket the homes stand that a version has learnt."""
    return f"{MODEL_NAME}/versions/{version}/homes.npz"


CITY = ""  # the key of the city's typical home
PlaceNames = Literal["written", "key"]
CURRENCY_BEFORE_MARKETS = "BRL"  # of manifests that name no market


class Names(Struct, frozen=True):
    """How a model knows places: as they were written, or by key, neighbourhoods less their market's affixes."""

    by: PlaceNames = "key"
    affixes: Affixes = Affixes()

    def key(self, field: str) -> NameKey:
        """Return what turns a name into what the model knows it by; `field` is one of its text inputs."""
        if self.by == "written":
            return str
        return neighborhood_key(self.affixes) if field == "neighborhood" else place_key


class Input(Struct, frozen=True):
    """One input of the model: a column [N, 1]. Unknown is NaN in numbers and "" in text."""

    name: str  # a field of `Features`
    type: Literal["string", "float32"]


class Offsets(Struct, frozen=True):
    """A conformal interval: log offsets by band of predicted log price.

    A prediction belongs to band `searchsorted(edges, log_price)`; `low` and `high` have one more
    entry than `edges`, and the interval is exp(log_price + low[band]) to exp(log_price + high[band]).
    Where there are `classes`, the model says the size of its error, too: offsets are multiples of it, and
    `classes` are the four edges between the classes of confidence A to E, ascending.
    """

    coverage: float
    edges: list[float]
    low: list[float]
    high: list[float]
    classes: list[float] = []


class Golden(Struct, frozen=True):
    """A listing with the log price that the model gave it when it was exported, and the error that it expected."""

    features: Features
    log_price: float
    expected_error: float | None = None
    typical_log_price: float | None = None  # of the city's typical home, and what each group of inputs adds to it
    reasons: list[float] | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """Everything that must be known of a model to serve it, check it and watch it."""

    name: str
    version: str
    created_at: str
    sha256: str  # of model.onnx
    inputs: list[Input]
    interval: Offsets
    golden: list[Golden]
    metrics: dict[str, Any]
    generated_data: bool  # trained on the generated sample
    data_sha256: str
    mlflow_run_id: str
    libraries: dict[str, str]
    reference: dict[str, Any]  # distributions for the monitor
    # How the model knows places: as they were written, or by `pricing.places.place_key`.
    place_names: PlaceNames = "written"
    market: Market | None = None  # versions from before markets travelled have none
    # Typical homes, medians of what was learnt: the city's, and by key those of neighbourhoods with enough listings.
    typical: dict[str, Features] = {}
    comparables_sha256: str | None = None  # of comparables.json.gz

    @property
    def currency(self) -> str:
        """Return the currency of its prices (ISO 4217)."""
        return self.market.currency if self.market else CURRENCY_BEFORE_MARKETS

    @property
    def names(self) -> "Names":
        """Return how the model knows places."""
        return Names(self.place_names, self.market.place_names if self.market else Affixes())

    @property
    def neighborhood_key(self) -> NameKey:
        """Return by what names of neighbourhoods are the same, whatever the model knows them by."""
        return neighborhood_key(self.names.affixes)


class Pointer(Struct, frozen=True, kw_only=True):
    """Which version serves: the only object in the models bucket that ever changes."""

    version: str
    manifest_sha256: str
    previous: str | None
    promoted_at: str
    promoted_by: Literal["auto", "manual"]


def encode(document: Manifest | Pointer) -> bytes:
    """Return the document as it stands in S3."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1)
