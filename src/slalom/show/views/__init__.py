"""The numbers of each picture, as small records: tests test them, and plots, animation and pages only draw
them.
"""

from slalom.show.views.comparisons import Comparison, comparison

__all__ = ["Comparison", "comparison"]
