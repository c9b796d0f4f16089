"""``python -m slalom``."""

import os
import sys

if __name__ == "__main__":
    here = os.path.realpath(sys.path[0] or os.curdir)
    if here == os.path.realpath(os.curdir) and here != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        del sys.path[0]  # Python puts the current folder first: a file `rich.py` in it would be run in place of rich
    from slalom.cli import main

    main()
