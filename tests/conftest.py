"""What holds for all tests: no property is judged by how fast the machine is at the moment."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("kommuncenter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kommuncenter")
