"""A champion for a stack that has none yet: train, register, promote."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pricing.manifest import Manifest
from training.data import Dataset, read_listings
from training.models_bucket import ModelsBucket
from training.params import Params, read_params
from training.promote import promote
from training.registry import Registry
from training.sample import DEFAULT_ROWS, write_sample
from training.train import train

if TYPE_CHECKING:
    from belo.stack import Stack

SAMPLE = Path("build/sample.csv")


def load_data(file: Path | None) -> Dataset:
    """Return the population of a file, or of the generated sample, written anew, where none is named."""
    if file is None:
        return read_listings(write_sample(SAMPLE, DEFAULT_ROWS), generated=True)
    return read_listings(file)


def choose_params(*, seed: int | None = None, quick: bool = False) -> Params:
    """Return the knobs of `params.yaml` with a seed of one's own, or without the search."""
    params = read_params()
    if quick:
        params = msgspec.structs.replace(params, search=msgspec.structs.replace(params.search, trials=0))
    return params if seed is None else msgspec.structs.replace(params, seed=seed)


def train_and_promote(data: Path | None, stack: "Stack", *, quick: bool) -> Manifest:
    """Train on a file (or the generated sample), register the version and make it the stack's champion."""
    registry = Registry.open(os.environ)
    manifest = train(load_data(data), choose_params(quick=quick), registry)
    promote(manifest.version, registry, ModelsBucket(stack.client("s3"), stack.models_bucket), "auto")
    return manifest
