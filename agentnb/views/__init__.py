"""How a run looks: every view draws a ``RunRecord`` and knows nothing of runs, kernels or models."""
