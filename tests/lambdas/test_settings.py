import pytest

from lambdas.score import Settings
from lambdas.settings import MissingSetting

COMPLETE = {
    "BELO_PREDICTIONS_STREAM": "predictions",
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
}


def test_three_names_are_enough():
    assert Settings.read(COMPLETE) == Settings("predictions", "models", "dead-letters", 10.0, 15_000)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_name_fails_the_start_by_name(name):
    with pytest.raises(MissingSetting, match=f"^{name} is not set"):
        Settings.read({**COMPLETE, name: ""})


def test_a_wrong_number_is_named_with_its_value():
    with pytest.raises(MissingSetting, match="BELO_CHAMPION_POLL_SECONDS: expected a number, got 'soon'"):
        Settings.read({**COMPLETE, "BELO_CHAMPION_POLL_SECONDS": "soon"})


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1"])
def test_a_number_that_is_none_or_below_zero_is_named_with_its_value(value):
    with pytest.raises(
        MissingSetting, match=f"BELO_CHAMPION_POLL_SECONDS: expected a finite number of 0 or more, got '{value}'"
    ):
        Settings.read({**COMPLETE, "BELO_CHAMPION_POLL_SECONDS": value})
