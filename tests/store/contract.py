"""What every store must do. A subclass says how one is made."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from made_runs import bits, run, spec

from slalom.core import InputError, Status
from slalom.store import Outcome, Store


class StoreContract:
    """To be inherited, with a fixture ``store``."""

    def test_a_run_comes_back_bit_for_bit(self, store: Store) -> None:
        for seed, single in ((0, True), (1, False)):
            put = run(seed, single=single, learning_rates=np.linspace(0.1, 0, 40))
            assert store.put(spec(seed), put) is Outcome.WRITTEN
            found = store.get(spec(seed).key)
            assert found is not None
            assert bits(found.run) == bits(put)
            assert found.spec == spec(seed)
            assert found.run.losses.dtype == np.float64

    def test_what_is_not_finite_comes_back_as_it_was(self, store: Store) -> None:
        losses = np.array([1.0, -0.0, 5e-324, np.inf, -np.inf, np.nan])
        rows = [{"step": 0, "a": math.nan, "b": -0.0}, {"step": 6, "a": math.inf, "c": 1, "d": True}]
        put = run(losses=losses, evaluations=rows, diverged_at=4, completed=6)
        store.put(spec(), put)
        found = store.get(spec().key)
        assert found is not None
        assert bits(found.run) == bits(put)
        assert found.status == Status(Status.DIVERGED, 4)

    def test_a_run_without_losses_or_evaluations_can_be_kept(self, store: Store) -> None:
        put = run(losses=np.empty(0), evaluations=[], completed=0, error="ValueError: no")
        store.put(spec(training=None), put)
        found = store.get(spec(training=None).key)
        assert found is not None
        assert bits(found.run) == bits(put)
        assert (found.status, found.error) == (Status(Status.FAILED, 0), "ValueError: no")

    def test_putting_the_same_run_again_changes_nothing(self, store: Store) -> None:
        store.put(spec(), run())
        assert store.put(spec(), run(seconds=9.9)) is Outcome.KNOWN
        assert store.count() == 1
        found = store.get(spec().key)
        assert found is not None
        assert found.cost.seconds == 0.4

    def test_another_run_under_the_same_key_is_a_conflict_and_the_first_is_kept(self, store: Store) -> None:
        store.put(spec(), run(0))
        assert store.put(spec(), run(1)) is Outcome.CONFLICT
        found = store.get(spec().key)
        assert found is not None
        assert bits(found.run) == bits(run(0))

    def test_an_interrupted_run_is_refused(self, store: Store) -> None:
        with pytest.raises(InputError, match="was interrupted after 7 steps: only whole runs are kept"):
            store.put(spec(), run(interrupted=True, completed=7))
        assert store.count() == 0

    def test_runs_put_together_are_all_there_or_none(self, store: Store) -> None:
        with pytest.raises(InputError):
            store.put_all([(spec(0), run(0)), (spec(1), run(1, interrupted=True))])
        assert store.count() == 0
        assert store.put_all([(spec(k), run(k)) for k in (0, 1, 0)]) == [
            Outcome.WRITTEN,
            Outcome.WRITTEN,
            Outcome.KNOWN,
        ]
        assert store.put_all([]) == []

    def test_it_says_which_keys_are_missing_in_their_order(self, store: Store) -> None:
        store.put_all([(spec(k), run(k)) for k in range(0, 1200, 2)])
        keys = [spec(k).key for k in range(1200)]
        assert store.missing(keys) == keys[1::2]
        assert keys[0] in store
        assert keys[1] not in store
        assert store.get(keys[1]) is None

    def test_what_is_no_key_is_refused(self, store: Store) -> None:
        for wrong in ("", "abc", "g" * 64, "é"):
            with pytest.raises(InputError, match="64 hexadecimal digits"):
                store.get(wrong)

    def test_runs_are_found_by_course_optimizer_and_status(self, store: Store) -> None:
        store.put(spec(0), run(0))
        store.put(spec(1, course="mnist-mlp"), run(1))
        store.put(spec(2, optimizer="torch.optim.sgd.SGD"), run(2, diverged_at=3))
        assert [found.spec.seed for found in store] == [0, 1, 2]
        assert [found.spec.seed for found in store.query(course="digits-mlp")] == [0, 2]
        assert [found.spec.seed for found in store.query(optimizer="torch.optim.sgd.SGD")] == [2]
        assert [found.spec.seed for found in store.query(course="digits-mlp", status="finished")] == [0]
        assert list(store.query(course="no such")) == []

    def test_a_summary_tells_metrics_and_cost_without_the_series(self, store: Store) -> None:
        store.put(spec(), run(), {"python": "3.11.2"})
        (found,) = store
        last = {name: value for name, value in run().last.items() if name != "seconds"}
        assert dict(found.metrics) == last
        assert dataclasses.astuple(found)[0] == spec().key
        assert (found.cost.seconds, found.cost.gradient_evaluations, found.cost.memory) == (0.4, 40, 1234)
        assert found.versions["python"] == "3.11.2"
        assert found.versions["torch"] == "2.13.0"
        assert not hasattr(found, "run")

    def test_many_runs_are_gone_through_in_the_order_in_which_they_came(self, store: Store) -> None:
        store.put_all([(spec(k), run(0)) for k in range(1100)])
        assert [found.spec.seed for found in store] == list(range(1100))
        assert store.count() == 1100

    def test_a_run_that_was_taken_out_can_be_put_again(self, store: Store) -> None:
        store.put(spec(), run(error="MemoryError"))
        assert store.remove([spec().key, spec(1).key]) == 1
        assert store.put(spec(), run()) is Outcome.WRITTEN

    def test_a_study_is_found_by_name_with_its_plan_and_its_runs(self, store: Store) -> None:
        plan = {"steps": 40, "optimizers": ("adam", "sgd"), "margin": math.inf, "deep": {"a": None}}
        keys = tuple(spec(k).key for k in (2, 0, 1))
        store.put_all([(spec(k), run(k)) for k in (0, 2)])
        store.save_study("mine", plan, keys)
        found = store.study("mine")
        assert found is not None
        assert (found.plan, found.keys) == (plan, keys)
        assert [summary.spec.seed for summary in store.query(study="mine")] == [2, 0]
        assert store.missing(found.keys) == [keys[2]]
        assert store.study("other") is None
        with pytest.raises(InputError, match=r"`other` is no study in .*: it has `mine`"):
            list(store.query(study="other"))

    def test_a_study_saved_again_keeps_when_it_was_created(self, store: Store) -> None:
        store.save_study("a", {"n": 1})
        first = store.study("a")
        store.save_study("b", {})
        store.save_study("a", {"n": 2}, [spec().key])
        second = store.study("a")
        assert first is not None
        assert second is not None
        assert second.created == first.created
        assert second.touched >= first.touched
        assert [study.name for study in store.studies()] == ["a", "b"]
        assert store.forget_study("a")
        assert not store.forget_study("a")

    def test_two_studies_share_the_runs_they_have_in_common(self, store: Store) -> None:
        store.put_all([(spec(k), run(k)) for k in range(3)])
        store.save_study("a", {}, [spec(0).key, spec(1).key])
        store.save_study("b", {}, [spec(1).key, spec(2).key])
        store.forget_study("a")
        assert [found.spec.seed for found in store.query(study="b")] == [1, 2]
        assert store.count() == 3

    def test_names_without_an_encoding_are_kept(self, store: Store) -> None:
        odd = spec(course="\udcff.py:f")
        store.put(odd, run())
        found = store.get(odd.key)
        assert found is not None
        assert found.spec.course == "\udcff.py:f"
        assert [summary.key for summary in store.query(course="\udcff.py:f")] == [odd.key]

    def test_a_closed_store_may_be_closed_again(self, store: Store) -> None:
        with store:
            store.close()
        store.close()
