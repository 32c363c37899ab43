"""Going on from a run whose kernel died."""
