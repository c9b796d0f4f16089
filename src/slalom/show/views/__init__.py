"""The numbers of each picture, as small records: tests test them; plots and animation only draw them."""

from slalom.show.views.comparisons import Comparison, comparison
from slalom.show.views.moving import MovingRace, synchronised_race
from slalom.show.views.path_cards import PathCard, path_card
from slalom.show.views.surfaces import Surface, surface

__all__ = [
    "Comparison",
    "MovingRace",
    "PathCard",
    "Surface",
    "comparison",
    "path_card",
    "surface",
    "synchronised_race",
]
