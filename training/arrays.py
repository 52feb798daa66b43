"""Arrays by what they hold."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

Log = NDArray[np.float64]

Floats = NDArray[np.float32]
