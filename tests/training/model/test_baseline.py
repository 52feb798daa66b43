import numpy as np

from training.model.candidates import BASELINE, CANDIDATES
from training.model.training_part import prepare


def test_the_baseline_cannot_explode_on_a_size_that_somebody_typed_wrongly(encoded, params):
    pricer = CANDIDATES[BASELINE](prepare(encoded.training, params, params.seed), params)
    frame = encoded.test.frame.assign(garage_places=np.float32(400), rooms=np.float32(90))
    usual = np.exp(encoded.training.log_price).max()
    assert np.exp(pricer.predict(frame)).max() < 3 * usual
