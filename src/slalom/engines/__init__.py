"""Three ways to move a field of runners down a course, one answer.

Every engine has the same signature: a landscape, runners, a number of steps, and by keyword the noise, the dtype, the
device and a progress callback; it returns :class:`slalom.core.Trajectories`. Engines are given objects, never names.
"""

from slalom.engines.ends import field_ends
from slalom.engines.field import field
from slalom.engines.fleet import fleet, fleet_ends
from slalom.engines.gradients import gradient_norms
from slalom.engines.solo import descend_noting, solo

__all__ = ["descend_noting", "field", "field_ends", "fleet", "fleet_ends", "gradient_norms", "solo"]
