"""What descends: specs such as ``adam:lr=0.1``, the catalogue, and the update rules as formulas.

* :mod:`slalom.optimizers.catalogue`  every class of torch.optim by name, with its paper
* :mod:`slalom.optimizers.specs`      from what a caller hands in to an optimizer that is ready to be made
* :mod:`slalom.optimizers.imports`    import paths, which lead to a class in an installed package only, and files
* :mod:`slalom.optimizers.labelling`  short labels that tell optimizers apart
* :mod:`slalom.optimizers.stages`     what may stand behind a pipe: learning-rate schedulers, ``nodecay``
* :mod:`slalom.optimizers.schedules`  the real schedulers, made and stepped
* :mod:`slalom.optimizers.sorting`    which of a network's parameters are treated how
* :mod:`slalom.optimizers.checks`     hyperparameters against the real class's signature
* :mod:`slalom.optimizers.needs`      what a class asks of the loop that drives it
* :mod:`slalom.optimizers.rules`      the update rules, written as their papers write them; no torch
* :mod:`slalom.optimizers.cards`      what ``slalom show`` prints: formula, defaults, meanings, source

Torch is imported when an optimizer is looked up, SymPy when a card is asked for.
"""

from typing import TYPE_CHECKING, Any

from slalom.optimizers.catalogue import CLASSICS, Entry, catalogue
from slalom.optimizers.grammar import with_paths
from slalom.optimizers.labelling import labels
from slalom.optimizers.specs import SpecifiedOptimizer, format_spec, is_in_a_file, parse, parse_all
from slalom.optimizers.stages import SchedulerEntry, schedulers

if TYPE_CHECKING:
    from slalom.optimizers.cards import OptimizerCard


def describe(spec: Any) -> "OptimizerCard":
    """Return the card of an optimizer: formula, defaults, meanings, source. Imports SymPy."""
    from slalom.optimizers import cards

    return cards.describe(spec)


__all__ = [
    "CLASSICS",
    "Entry",
    "SchedulerEntry",
    "SpecifiedOptimizer",
    "catalogue",
    "describe",
    "format_spec",
    "is_in_a_file",
    "labels",
    "parse",
    "parse_all",
    "schedulers",
    "with_paths",
]
