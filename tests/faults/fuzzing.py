"""How the parsers are fuzzed: 10,000 cases in CI, fewer at a desk."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

CASES = 10_000 if os.environ.get("CI") else 500
fuzzed = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
