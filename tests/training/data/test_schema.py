import numpy as np
import pytest

from terminal.errors import Failure
from training.data.schema import check_schema


def test_the_cleaned_frame_passes_its_schema_and_a_spoiled_one_does_not(data):
    check_schema(data.frame, data.market)
    for column, value in (("rooms", 2.5), ("area_m2", 5_000.0), ("price", np.nan), ("neighborhood", "")):
        spoiled = data.frame.copy()
        spoiled.loc[3, column] = value
        with pytest.raises(Failure, match=column):
            check_schema(spoiled, data.market)
