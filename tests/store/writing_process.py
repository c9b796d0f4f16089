"""A process that writes runs into a store until it is done or killed, and acknowledges each on standard output.

Arguments: the store, the first seed, how many. Other processes may be writing too.
"""

from __future__ import annotations

import sys

from made_runs import run, spec

from slalom import store as stores

if __name__ == "__main__":
    path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with stores.open(path) as store:
        for seed in range(first, first + count):
            store.put(spec(seed), run(seed))
            store.save_study(f"study {first}", {"first": first}, [spec(seed).key])
            sys.stdout.write(f"{seed}\n")
            sys.stdout.flush()
