"""Every store does what a store must do."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract import StoreContract

from slalom import store as stores
from slalom.store import MemoryStore, Store


class TestOnDisk(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path):
        with stores.open(tmp_path / "runs.sqlite") as opened:
            yield opened


class TestInMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
