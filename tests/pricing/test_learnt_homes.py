import pytest

from pricing.learnt_homes import LearntHomes
from pricing.listing import Features

LEARNT = LearntHomes.of(["Rua A", "rua a", "Rua B", ""], [80.0, 120.0, 60.0, 99.0])


@pytest.mark.parametrize(
    ("street", "area", "known"),
    [
        ("Rua A", 80, True),
        ("RUA  A", 83.9, True),
        ("Rua A", 85, False),
        ("Rua A", 76.5, True),
        ("Rua A", 100, False),
        ("Rua A", 122, True),
        ("Rua B", 80, False),
        ("Rua C", 80, False),
        (None, 99, False),
    ],
)
def test_a_home_is_known_where_one_on_its_street_has_nearly_its_area(street, area, known):
    home = Features(neighborhood="Buritis", street=street, area_m2=area)
    assert LEARNT.knows(home) == known
    assert LearntHomes.decode(LEARNT.encode()).knows(home) == known


def test_the_same_homes_give_the_same_bytes_whatever_their_order():
    assert LEARNT.encode() == LearntHomes.of(["Rua B", "Rua A", "Rua A"], [60.0, 120.0, 80.0]).encode()
