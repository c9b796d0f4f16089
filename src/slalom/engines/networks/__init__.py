"""The three engines on tasks, one unit of work a call: all given runners, in this process, on one thread of torch's.

* :mod:`slalom.engines.networks.solo`      the plain loop, the reference
* :mod:`slalom.engines.networks.field`     the real classes on networks computed together
* :mod:`slalom.engines.networks.fleet`     the update rules on networks computed together
* :mod:`slalom.engines.networks.choosing`  which engine to take, and how to divide the work
* :mod:`slalom.engines.networks.obstacles` whether networks can be computed together
* :mod:`slalom.engines.networks.loops`     a training loop of the caller's own

Underneath: ``material`` (data and batches), ``stack`` (parameters side by side), ``tracing`` (the gradient of many
networks as a short list of operations), ``crowd`` (what field and fleet share), ``measuring`` (losses and metrics of a
split), ``recording`` (what is written down).
"""

from slalom.engines.networks.choosing import Choice, alike, choose, divide
from slalom.engines.networks.crowd import LEAST
from slalom.engines.networks.field import field
from slalom.engines.networks.fleet import fleet, lanes_of
from slalom.engines.networks.loops import follow
from slalom.engines.networks.obstacles import obstacle
from slalom.engines.networks.solo import solo

__all__ = [
    "LEAST",
    "Choice",
    "alike",
    "choose",
    "divide",
    "field",
    "fleet",
    "follow",
    "lanes_of",
    "obstacle",
    "solo",
]
