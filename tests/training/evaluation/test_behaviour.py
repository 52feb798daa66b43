"""How a model behaves: what is counted when more of a home, or another spelling, is asked."""

import numpy as np
import pytest

from pricing.listing import Features
from pricing.places import place_key
from training.evaluation.behaviour import behaviour, behaviour_table

HOMES = [
    Features(neighborhood=name, street="Rua Espírito Santo", area_m2=50.0 + number, rooms=number % 4 or None)
    for number, name in enumerate(["Santa Amélia", "Sion"] * 60)
]


def smooth(homes):
    known = [place_key(each.neighborhood) == "sion" for each in homes]
    return np.array([np.log(each.area_m2) + 0.1 * (each.rooms or 0) for each in homes]) + 0.3 * np.array(known)


def test_a_model_that_behaves_shows_nothing():
    found = behaviour(smooth, HOMES)
    assert found["homes"] == 120
    assert found["more_area"] == {"asked": 120, "lowered": 0.0, "worst": pytest.approx(0.1)}
    assert (found["more_rooms"]["asked"], found["more_rooms"]["lowered"]) == (90, 0.0)
    assert found["more_garage"]["asked"] == 0
    assert found["small_step"] == {"limit": 0.05, "above": 0.0, "largest": pytest.approx(0.01)}
    assert found["spelling"] == {"changed": 0.0}
    assert "10 % more area" in behaviour_table(found)


def test_steps_falls_and_spellings_are_counted():
    def odd(homes):
        area = np.array([each.area_m2 for each in homes])
        as_written = np.array([each.neighborhood == "Sion" for each in homes])
        return np.where(area > 100.5, 1.0, 0.0) - 0.1 * np.array([each.rooms or 0 for each in homes]) + 0.2 * as_written

    found = behaviour(odd, HOMES)
    assert found["more_rooms"]["lowered"] == 1.0
    assert found["more_rooms"]["worst"] == pytest.approx(np.expm1(-0.1))
    assert 0 < found["small_step"]["above"] < 0.1
    assert found["small_step"]["largest"] == pytest.approx(np.e - 1)
    assert found["spelling"]["changed"] == 0.5


def test_no_more_homes_are_asked_than_are_needed():
    many = HOMES * 20
    assert behaviour(smooth, many)["homes"] == 1_000
