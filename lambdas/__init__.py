"""The functions that run on AWS Lambda, one module each."""

import gc
import os

# While Lambda starts one of them there is next to no garbage, and looking for it takes a tenth of the time.
# `starting.at_start` goes on with it.
if os.environ.get("_HANDLER", "").startswith(f"{__name__}."):
    gc.disable()
