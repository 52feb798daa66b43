"""The model registry without MLflow, empty or with three versions."""

from dataclasses import replace
from io import BytesIO

import pandas as pd

from terminal.errors import Failure
from tests.champions import champion
from training.data.groups import COLUMNS
from training.registry.mlflow_registry import Version

REFERENCE = {"rows": 100, "neighborhood": {"Buritis": 0.6, "Savassi": 0.4}}


def _learnt():
    out = BytesIO()
    pd.DataFrame({name: [] for name in COLUMNS}).to_parquet(out)
    return out.getvalue()


class RegistryInMemory:
    """What MLflow does for us, without MLflow."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.found: list[Version] = []
        self.aliases: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.of_earlier_runs: bytes | None = _learnt()  # what any other run has stored

    def start_run(self, name, params, tags):
        self.files[f"run-{len(self.files)}"] = {}
        return f"run-{len(self.files) - 1}"

    def finish_run(self, run_id, metrics, *, failed=False):
        assert all(isinstance(value, int | float | list) for value in metrics.values())

    def keep(self, run_id, name, content):
        self.files[run_id][name] = content

    def register(self, run_id, tags):
        version = str(len(self.found) + 2)  # 1 was there before
        self.found.append(Version(version, run_id, 0, dict(tags), ()))
        return version

    def versions(self):
        return list(reversed(self.found))

    def find(self, version):
        return next(each for each in self.found if each.version == version)

    def artefacts(self, version):
        files = self.files[version.run_id]
        if "model/manifest.json" not in files:
            raise Failure("its training did not finish")
        return files["model/model.onnx"], files["model/manifest.json"]

    def read(self, run_id, name):
        return self.files[run_id].get(name) if run_id in self.files else self.of_earlier_runs

    def point(self, alias, version):
        self.aliases[alias] = version

    def tag(self, version, key, value):
        self.tags.setdefault(version, {})[key] = value


def version(number):
    """A version, trained an hour after the one before."""
    created = f"2026-11-24T0{number}:00:00+00:00"
    return champion(str(number), base=9.0 + number / 10, reference=REFERENCE, created_at=created)


class RegistryOfThree(RegistryInMemory):
    """With versions 1, 2 and 3, which differ."""

    def __init__(self):
        super().__init__()
        for number in (1, 2, 3):
            made = version(number)
            run = self.start_run("train", {}, {})
            self.keep(run, "model/model.onnx", made.model)
            self.keep(run, "model/manifest.json", made.manifest)
            self.register(run, {})
        self.found = [replace(each, version=str(int(each.version) - 1)) for each in self.found]

    def find(self, version):
        held = tuple(alias for alias, to in self.aliases.items() if to == version)
        return replace(super().find(version), aliases=held)

    def versions(self):
        return [self.find(each.version) for each in super().versions()]

    def unpoint(self, alias):
        self.aliases.pop(alias, None)

    def finished(self, version):
        return "model/manifest.json" in self.files[version.run_id]
