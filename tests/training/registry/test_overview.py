import pytest

from tests.champions import champion
from tests.training.registry.registry_in_memory import RegistryOfThree
from training.registry.models_bucket import ModelsBucket
from training.registry.overview import overview


@pytest.fixture
def registry():
    return RegistryOfThree()


@pytest.fixture
def bucket(s3):
    return ModelsBucket(s3, "models")


def test_a_champion_of_another_registry_is_told_apart_from_ours_of_the_same_number(registry, bucket, s3):
    assert overview(registry, bucket).disagreement is None
    champion("1", base=8.0).put(s3, "models")
    assert "version 1 of another registry" in overview(registry, bucket).disagreement
    registry.point("champion", "1")
    assert "version 1 of another registry" in overview(registry, bucket).disagreement


def test_an_alias_without_a_pointer_is_told(registry, bucket):
    registry.point("champion", "3")
    assert "`belo promote 3` writes the pointer" in overview(registry, bucket).disagreement
