"""The registry and the models bucket side by side, and whether they agree on the champion."""

from datetime import UTC, datetime

from msgspec import Struct

from pricing.manifest import Pointer
from training.models_bucket import ModelsBucket
from training.registry import Registry


class Registered(Struct, frozen=True):
    """A registered version, in short."""

    version: str
    aliases: list[str]
    created_at: str
    data_sha256: str
    generated_data: bool
    median_ape: float | None
    tags: dict[str, str]


class Overview(Struct, frozen=True):
    """All registered versions, the newest first; the pointer in S3; what is wrong between the two, if anything."""

    versions: list[Registered]
    serving: Pointer | None
    disagreement: str | None


def overview(registry: Registry, bucket: ModelsBucket | None) -> Overview:
    """Return the state of the registry and, where there is a stack, of its bucket."""
    versions = [
        Registered(
            each.version,
            list(each.aliases),
            datetime.fromtimestamp(each.created_ms / 1000, UTC).isoformat(timespec="seconds"),
            each.tags.get("data_sha256", ""),
            each.tags.get("generated_data") == "true",
            float(each.tags["median_ape"]) if "median_ape" in each.tags else None,
            dict(each.tags),
        )
        for each in registry.versions()
    ]
    found = bucket.champion() if bucket else None
    serving = found[0] if found else None
    return Overview(versions, serving, _disagreement(versions, serving) if bucket else None)


def _disagreement(versions: list[Registered], serving: Pointer | None) -> str | None:
    alias = next((each.version for each in versions if "champion" in each.aliases), None)
    pointed = serving.version if serving else None
    if alias == pointed:
        return None
    return f"MLflow's alias says champion {alias or 'none'}, S3 serves {pointed or 'none'}: " + (
        f"`belo promote {pointed}` lets the alias follow" if pointed else "`belo promote` writes the pointer"
    )
