"""Which version serves: promotion and rollback.

Promotion writes the homes that the version has learnt, the model, the manifest, the pointer and the registry's alias,
in this order, each only if it is not there yet. Whatever stops it between two writes, the old champion serves, and a
rerun finishes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pricing.manifest import ContractMismatch, Pointer, manifest_key
from pricing.model import load
from terminal.errors import Failure
from training.registry.kept_listings import beside
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket, parse, sha256

By = Literal["auto", "manual"]
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ExpectedChampion:
    """The champion that a version may replace: a version, or None where there must be none yet."""

    champion: str | None


def promote(
    version: str,
    registry: Registry,
    bucket: ModelsBucket,
    by: By,
    clock: Clock = _now,
    over: ExpectedChampion | None = None,
) -> Pointer:
    """Make a registered version the champion, whichever serves now or only `over` one; return the pointer.

    Raises `Failure` where the version does not load, stands in the bucket with other content, or somebody
    else moved the pointer meanwhile: then the old champion serves on.
    """
    found = registry.find(version)
    model, manifest = registry.artefacts(found)
    seen = bucket.champion()
    now = seen[0].version if seen else None
    if over and now not in (over.champion, version):
        raise Failure(f"the champion is version {now} by now, and was {over.champion}: nothing is promoted")
    _check(version, model, manifest)
    bucket.put_version(version, model, manifest, beside(version, found.run_id, registry))
    if seen and seen[0].version == version:
        pointer = seen[0]  # an earlier run came this far
    else:
        pointer = Pointer(
            version=version,
            manifest_sha256=sha256(manifest),
            previous=seen[0].version if seen else None,
            promoted_at=clock().isoformat(),
            promoted_by=by,
        )
        bucket.move_champion(pointer, seen[1] if seen else None)
    registry.tag(version, "promoted_at", pointer.promoted_at)
    _let_the_alias_follow(version, registry, bucket)
    if "challenger" in found.aliases:
        registry.unpoint("challenger")
    return pointer


def newest(registry: Registry) -> str:
    """Return the newest version whose training came to its end; raises `Failure` where there is none."""
    for each in registry.versions():
        if registry.finished(each):
            return each.version
    raise Failure("no version is registered, or none is finished: run `belo train` first")


def rollback(bucket: ModelsBucket, clock: Clock = _now) -> Pointer:
    """Point back to the version that served before; return the pointer. Needs no registry.

    Raises `Failure` where there is none, it does not load, it is the newer one, from which somebody has gone back
    already, or somebody else moved the pointer meanwhile.
    """
    seen = bucket.champion()
    if seen is None:
        raise Failure("nothing to roll back: no version was ever promoted")
    current, etag = seen
    if current.previous is None:
        raise Failure(f"nothing to roll back: version {current.version} is the first champion")
    model, manifest = bucket.get_version(current.previous)
    _check(current.previous, model, manifest)
    if is_rollback(current, _trained_at(current, manifest, bucket)):
        raise Failure(
            f"version {current.version} serves in place of version {current.previous}, which is newer: somebody has "
            f"gone back already; `belo promote N` goes to version N, `belo promote {current.previous}` forward again"
        )
    pointer = Pointer(
        version=current.previous,
        manifest_sha256=sha256(manifest),
        previous=current.version,
        promoted_at=clock().isoformat(),
        promoted_by="manual",
    )
    bucket.move_champion(pointer, etag)
    return pointer


def record_rollback(pointer: Pointer, registry: Registry, bucket: ModelsBucket) -> None:
    """Write a rollback that has happened into the registry: tags, and the alias follows the pointer."""
    if pointer.previous:
        registry.tag(pointer.previous, "rolled_back_at", pointer.promoted_at)
    _let_the_alias_follow(pointer.version, registry, bucket)


def _let_the_alias_follow(version: str, registry: Registry, bucket: ModelsBucket) -> None:
    """Let the alias name the version that was pointed to, or whichever others have pointed to since."""
    named = None
    while named != version:
        named = version
        registry.point("champion", named)
        seen = bucket.champion()
        version = seen[0].version if seen else named


def _trained_at(current: Pointer, before: bytes, bucket: ModelsBucket) -> dict[str, str]:
    """Return when what serves and what it replaced, whose manifest is `before`, were trained.

    What is broken may always be left: then it is not known.
    """
    found = bucket.read(manifest_key(current.version))
    if found is None or sha256(found[0]) != current.manifest_sha256 or current.previous is None:
        return {}
    return {current.version: parse(found[0]).created_at, current.previous: parse(before).created_at}


def is_rollback(pointer: Pointer, trained_at: Mapping[str, str]) -> bool | None:
    """Tell whether a pointer names a version that was trained before the one it replaced; None where nobody knows.

    `trained_at`: ISO 8601 in UTC by version; its text sorts as time does.
    """
    version, replaced = trained_at.get(pointer.version), trained_at.get(pointer.previous or "")
    return None if version is None or replaced is None or version == replaced else version < replaced


def _check(version: str, model: bytes, manifest: bytes) -> None:
    try:
        ready = load(model, manifest)
    except ContractMismatch as error:
        raise Failure(f"version {version} is not served: {error}") from error
    if ready.manifest.version != version:
        raise Failure(f"version {version} is not served: its manifest says version {ready.manifest.version}")
