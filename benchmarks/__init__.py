"""Speed of the kernels as ratios to named peers and limits, measured in one run."""
