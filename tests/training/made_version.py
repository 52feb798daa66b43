"""A fitted model with a manifest, as a training would register it."""

from datetime import UTC, datetime

from training.export.manifest import golden_rows, write_manifest
from training.export.reference import reference


def manifest_of(encoded, fitted, market):
    """Return the manifest of a fitted model, without its reasons."""
    learnt = encoded.training.frame
    predicted = fitted.pricer.predict(learnt)
    return write_manifest(
        fitted.model,
        fitted.pricer.inputs,
        version="1",
        created_at=datetime(2026, 11, 26, tzinfo=UTC),
        offsets=fitted.offsets,
        golden=golden_rows(fitted.model, encoded.data.frame, 5, market),
        metrics={},
        reference=reference(learnt, predicted, encoded.training.log_price - predicted),
        market=market,
        data_sha256="0" * 64,
        generated=True,
        run_id="none",
    )
