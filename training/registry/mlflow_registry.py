"""The model registry: every training is an MLflow run, every exported model a version of `house-price`.

MLflow is slow to import, so only those who train or ask pay for it. `MLFLOW_TRACKING_URI` names a server;
without it a SQLite file under build/ serves.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pricing.manifest import MODEL_NAME
from terminal.errors import Failure
from terminal.files import one_at_a_time
from training.registry.models_bucket import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient

    from training.data.listings import Dataset

DEFAULT_STORE = Path("build/mlflow.db")
DEFAULT_ARTIFACTS = Path("build/mlartifacts")

Alias = Literal["champion", "challenger"]


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of the model."""

    version: str
    run_id: str
    created_ms: int
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


class Registry:
    """MLflow's tracking and model registry, as far as this project uses them."""

    def __init__(self, client: MlflowClient, artifacts: str | None) -> None:
        """Use a client; `artifacts` is where a new experiment keeps its files, None for the server's choice."""
        self._client = client
        self._artifacts = artifacts

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> Registry:
        """Return the registry that `MLFLOW_TRACKING_URI` names, or the local one."""
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # this project talks to nobody unasked
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a person is waiting
        import logging

        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        uri = environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            DEFAULT_STORE.parent.mkdir(parents=True, exist_ok=True)
        store = uri or f"sqlite:///{DEFAULT_STORE.resolve()}"
        try:
            with _first_use(store):
                client = MlflowClient(store, store)
                client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError) as error:
            first_line = str(error).partition("\n")[0]
            raise Failure(f"MLflow at {store} does not answer: {first_line}") from None
        return cls(client, None if uri else DEFAULT_ARTIFACTS.resolve().as_uri())

    def start_run(
        self, name: str, params: Mapping[str, Any], tags: Mapping[str, str], parent: str | None = None
    ) -> str:
        """Start a run with its parameters, perhaps nested in another; return its id."""
        if parent:
            tags = {**tags, "mlflow.parentRunId": parent}

        run_id = str(self._client.create_run(self._experiment(), run_name=name, tags=dict(tags)).info.run_id)
        self.add_params(run_id, params)
        return run_id

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        if (found := self._client.get_experiment_by_name(MODEL_NAME)) is None:
            try:
                return str(self._client.create_experiment(MODEL_NAME, self._artifacts))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self._client.get_experiment_by_name(MODEL_NAME)  # another process was faster
        return str(found.experiment_id)

    def add_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Add parameters to a run; once said, a parameter stays as it is."""
        from mlflow.entities import Param

        self._client.log_batch(run_id, params=[Param(key, str(value)) for key, value in _flat(params)])

    def finish_run(self, run_id: str, metrics: Mapping[str, Any], *, failed: bool = False) -> None:
        """End a run with its metrics."""
        from mlflow.entities import Metric

        at = int(time.time() * 1000)
        self._client.log_batch(run_id, [Metric(key, float(value), at, 0) for key, value in _flat(metrics)])
        self._client.set_terminated(run_id, "FAILED" if failed else "FINISHED")

    def keep(self, run_id: str, name: str, content: bytes) -> None:
        """Store a file with a run, at a path such as `model/model.onnx`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(name).name)
            path.write_bytes(content)
            self._client.log_artifact(run_id, str(path), _folder(name))

    def keep_folder(self, run_id: str, name: str, folder: Path) -> None:
        """Store a folder's files with a run, under a name."""
        self._client.log_artifacts(run_id, str(folder), name)

    def keep_dataset(self, run_id: str, data: Dataset) -> None:
        """Say which listings a run was trained on: name, digest and schema, not the listings."""
        import mlflow.data
        from mlflow.entities import DatasetInput, InputTag

        described = mlflow.data.from_pandas(data.frame, name=data.name, digest=data.sha256[:32], targets="price")
        entity = DatasetInput(described._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])
        self._client.log_inputs(run_id, [entity])

    def read(self, run_id: str, name: str) -> bytes | None:
        """Return a file that was stored with a run, or None where there is none, or no such run.

        Raises `Failure` where MLflow does not say, or does not hand it out: the file may well be there.
        """
        from mlflow.exceptions import MlflowException

        try:
            if not self._stored(run_id, name):
                return None
            with tempfile.TemporaryDirectory() as folder:
                return Path(self._client.download_artifacts(run_id, name, folder)).read_bytes()
        except (MlflowException, OSError) as error:
            first_line = str(error).partition("\n")[0]
            raise Failure(f"MLflow does not hand out {name} of run {run_id}: {first_line}") from error

    def _stored(self, run_id: str, name: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            listed = self._client.list_artifacts(run_id, _folder(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False  # a run of another registry
        return name in {each.path for each in listed}

    def register(self, run_id: str, tags: Mapping[str, str]) -> str:
        """Make a run's model the next version; return the version."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(MODEL_NAME)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{self._client.get_run(run_id).info.artifact_uri}/model"
        return str(self._client.create_model_version(MODEL_NAME, source, run_id, tags=dict(tags)).version)

    def versions(self) -> list[Version]:
        """Return all versions, the newest first."""
        from mlflow.exceptions import MlflowException

        try:
            aliases: Mapping[str, str] = self._client.get_registered_model(MODEL_NAME).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return []
            raise
        found = [
            Version(
                version=str(each.version),
                run_id=each.run_id,
                created_ms=each.creation_timestamp,
                tags=each.tags,
                aliases=tuple(sorted(alias for alias, version in aliases.items() if str(version) == str(each.version))),
            )
            for each in self._pages()
        ]
        return sorted(found, key=lambda each: -int(each.version))

    def _pages(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_model_versions(f"name='{MODEL_NAME}'", page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def find(self, version: str) -> Version:
        """Return a version; raises `Failure` where there is none."""
        known = self.versions()
        for each in known:
            if each.version == version:
                return each
        names = ", ".join(each.version for each in known) or "none: run `belo train` first"
        raise Failure(f"no version {version} of {MODEL_NAME} is registered; there are: {names}")

    def artefacts(self, version: Version) -> tuple[bytes, bytes]:
        """Return a version's ONNX file and manifest; raises `Failure` where its training did not finish."""
        model, manifest = (self.read(version.run_id, f"model/{name}") for name in ("model.onnx", "manifest.json"))
        if model is None or manifest is None:
            raise Failure(f"version {version.version}: its artefacts are missing from MLflow run {version.run_id}")
        return model, manifest

    def finished(self, version: Version) -> bool:
        """Tell whether a version's training came to its end: the manifest, stored last, names the version."""
        content = self.read(version.run_id, "model/manifest.json")
        return content is not None and parse(content).version == version.version

    def point(self, alias: Alias, version: str) -> None:
        """Let an alias name a version."""
        self._client.set_registered_model_alias(MODEL_NAME, alias, version)

    def unpoint(self, alias: Alias) -> None:
        """Let an alias name no version any more."""
        self._client.delete_registered_model_alias(MODEL_NAME, alias)

    def tag(self, version: str, key: str, value: str) -> None:
        """Tag a version."""
        self._client.set_model_version_tag(MODEL_NAME, version, key, value)


def _first_use(store: str) -> AbstractContextManager[None]:
    """Keep others out of an SQLite file while its tables may be made: two who make them at once break it for good."""
    scheme, _, file = store.partition(":///")
    return one_at_a_time(Path(file)) if scheme == "sqlite" and Path(file).parent.is_dir() else nullcontext()


def _folder(name: str) -> str | None:
    parent = str(Path(name).parent)
    return None if parent == "." else parent


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield from ((f"{name}.{i}", each) for i, each in enumerate(value))
        else:
            yield name, value
