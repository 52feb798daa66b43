"""The registry and the models bucket side by side, and whether they agree on the champion."""

from datetime import UTC, datetime

from msgspec import Struct

from pricing.manifest import Pointer
from training.registry.mlflow_registry import Registry, Version
from training.registry.models_bucket import ModelsBucket, sha256


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
    found = registry.versions()
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
        for each in found
    ]
    seen = bucket.champion() if bucket else None
    serving = seen[0] if seen else None
    return Overview(versions, serving, _disagreement(registry, found, serving) if bucket else None)


def _disagreement(registry: Registry, versions: list[Version], serving: Pointer | None) -> str | None:
    alias = next((each.version for each in versions if "champion" in each.aliases), None)
    if serving is None:
        return (
            alias and f"MLflow's alias says champion {alias}, S3 serves none: `belo promote {alias}` writes the pointer"
        )
    if not holds(registry, serving):
        return stranger(serving)
    if alias != serving.version:
        return (
            f"MLflow's alias says champion {alias or 'none'}, S3 serves {serving.version}: "
            f"`belo promote {serving.version}` lets the alias follow"
        )
    return None


def holds(registry: Registry, serving: Pointer) -> bool:
    """Tell whether a pointer names a version of this registry, and not another one of the same number."""
    named = next((each for each in registry.versions() if each.version == serving.version), None)
    manifest = registry.read(named.run_id, "model/manifest.json") if named else None
    return manifest is not None and sha256(manifest) == serving.manifest_sha256


def stranger(serving: Pointer) -> str:
    """Return the words for a version that this registry does not hold."""
    return f"S3 serves version {serving.version} of another registry: the one in MLflow has none with its manifest"
