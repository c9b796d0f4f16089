"""The interactive page: drag the start, and every path redraws at once.

* :mod:`slalom.show.explorer.building`  puts the page together
* :mod:`slalom.show.explorer.engine`    what computes in it: rules and landscapes, written from the same formulas
* :mod:`slalom.show.explorer.formulas`  the rules' lines as trees, which the page writes with the numbers in them

``page/`` holds what is written by hand: ``engine.js`` and its parts compute, ``app.js`` and its parts show.
"""

from slalom.show.explorer.building import explorer_html

__all__ = ["explorer_html"]
