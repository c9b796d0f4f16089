"""The command line: parses, delegates, prints.

* :mod:`slalom.cli.application`  the program ``slalom``: its commands by name, and how it ends
* :mod:`slalom.cli.errors`       every usage mistake as one clear sentence
* :mod:`slalom.cli.options`      the options that commands share, and how their values are read
* :mod:`slalom.cli.racing`, ``sweeping``, ``demonstration``, ``listing``, ``showing``  one command each
* :mod:`slalom.cli.tables`, ``results``, ``progress``  what stands in the terminal

Torch, NumPy, rich and matplotlib take seconds to import: nothing here touches them before a command runs.
"""

from slalom.cli.application import main

__all__ = ["main"]
