"""The champion with its reasons and comparables, made once a version."""

from typing import TYPE_CHECKING

from lambdas.aws.errors import AWS_ERRORS
from pricing.answer.answer import Explainer
from pricing.answer.comparables import Comparables
from pricing.manifest import ContractMismatch, comparables_key
from pricing.model import Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Explainers:
    """The explainer of the model that serves."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._made: Explainer | None = None
        self.missing: str | None = None  # why the answers have no comparables

    def of(self, model: Model) -> Explainer:
        """Return the explainer of a model; raises `ContractMismatch` for a version that keeps no reasons.

        Comparables that cannot be read are left out, `missing` says why, and they are asked for again next time.
        """
        if self._made is None or self._made.model is not model or self.missing:
            self._made = Explainer(model, self._comparables(model))
        return self._made

    def _comparables(self, model: Model) -> Comparables | None:
        self.missing = None
        manifest = model.manifest
        if manifest.comparables_sha256 is None:
            return None
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=comparables_key(manifest.version))
            return Comparables.of_version(reply["Body"].read(), manifest)
        except (*AWS_ERRORS, ContractMismatch) as error:
            self.missing = f"{type(error).__name__}: {error}"
            return None
