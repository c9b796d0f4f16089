"""One check of an installation, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What was compared with what, how far apart they are, and how far they may be.

    ``deviation`` is in ``unit``; None where there is none, because the check was ``skipped`` or ``failed`` to run (each
    says why).
    """

    name: str
    against: str
    deviation: float | None
    limit: float
    unit: str
    skipped: str = ""
    failed: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong; a check that was skipped is not wrong. NaN is beyond every limit."""
        if self.failed:
            return False
        return bool(self.skipped) or (self.deviation is not None and self.deviation <= self.limit)

    @property
    def result(self) -> str:
        """``"passed"``, ``"FAILED"``, or why there is nothing to say."""
        if self.skipped:
            return self.skipped
        if self.failed:
            return f"FAILED: {self.failed}"
        return "passed" if self.passed else "FAILED"

    @property
    def finite_deviation(self) -> float | None:
        """The deviation for JSON, which has no NaN and no infinity."""
        return self.deviation if self.deviation is not None and math.isfinite(self.deviation) else None
