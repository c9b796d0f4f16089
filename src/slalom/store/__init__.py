"""Runs are kept: one crash-safe file. Nothing here imports torch.

* :mod:`slalom.store.specification`  what a run is a function of, and the key that follows from it
* :mod:`slalom.store.interface`      what a store can do
* :mod:`slalom.store.on_disk`        the store in one SQLite file
* :mod:`slalom.store.memory`         the store that lasts as long as the process
* :mod:`slalom.store.verification`   is a file whole, and can it be made whole again?
* :mod:`slalom.store.merging`        several stores into one
* :mod:`slalom.store.exporting`      runs as tables
"""

from slalom.store.errors import StoreError
from slalom.store.exporting import export
from slalom.store.interface import Outcome, Store
from slalom.store.memory import MemoryStore
from slalom.store.merging import Merge, merge
from slalom.store.on_disk import open  # read as store.open, as gzip.open is
from slalom.store.places import default_path
from slalom.store.records import Cost, StoredRun, StudyRecord, Summary, status_of
from slalom.store.specification import RunSpec
from slalom.store.verification import Report, verify

__all__ = [
    "Cost",
    "MemoryStore",
    "Merge",
    "Outcome",
    "Report",
    "RunSpec",
    "Store",
    "StoreError",
    "StoredRun",
    "StudyRecord",
    "Summary",
    "default_path",
    "export",
    "merge",
    "open",
    "status_of",
    "verify",
]
