"""Speed of the kernels as ratios to named peers and limits, measured in one run."""

import os

# OpenBLAS's threads spin for 2**26 cycles or more after their work, which would slow down the
# contender that comes next. Read once, when NumPy is loaded.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "24")
