"""Recordings for further numbers of lanes, written from two: they compute what a recording of their own would."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from slalom.core import Runner, Training
from slalom.engines.networks.crowd import Crowd
from slalom.engines.networks.recordings import Recordings, Template
from slalom.engines.networks.tracing import recorded
from slalom.tasks import find

OFFLINE = ("digits-mlp", "digits-cnn", "digits-logreg", "deepobs-quadratic-deep", "modadd-transformer")


@pytest.mark.parametrize("swift", [False, True], ids=["exact", "swift"])
@pytest.mark.parametrize("name", OFFLINE)
def test_a_written_recording_computes_bit_for_bit_what_one_of_its_own_would(name: str, swift: bool) -> None:
    task: Any = find(name)
    training = Training.of(1, 1)

    def gradients(lanes: int, fresh: bool) -> tuple[bytes, bytes]:
        crowd = Crowd(task, [Runner(None, seed % 2) for seed in range(lanes)], training, swift=swift)  # type: ignore[arg-type]
        if fresh:
            crowd._gradient._recordings = Recordings(crowd._gradient._record)
        with torch.no_grad():
            crowd.differentiate(1)
        return crowd.losses.numpy().tobytes(), crowd.gradients.numpy().tobytes()

    gradients(2, False)
    gradients(3, False)
    kept = Crowd(task, [Runner(None, 0)] * 2, training, swift=swift)._gradient._recordings  # type: ignore[list-item]
    assert any(template is not None for template in kept._templates.values()), "the recordings of two numbers differ"
    assert gradients(7, False) == gradients(7, True)


def test_recordings_that_differ_in_more_than_multiples_of_their_lanes_give_no_template() -> None:
    def constant(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1) * float(x.shape[0])

    def chosen(x: torch.Tensor) -> torch.Tensor:
        return x.sum(1) if x.shape[0] > 4 else x.sum(1) * 1.0 + 0.0

    for function in (constant, chosen):
        two, six = (recorded(function, (torch.ones(lanes, 3),)) for lanes in (2, 6))
        assert Template.of((2, two), (6, six)) is None


def test_where_no_template_can_be_made_every_number_of_lanes_is_recorded() -> None:
    made: list[int] = []

    def record(x: torch.Tensor) -> Any:
        made.append(x.shape[0])
        return recorded(lambda y: y * float(y.shape[0]), (x,))

    recordings = Recordings(record)
    for lanes in (2, 3, 4, 3, 5):
        x = torch.ones(lanes, 2)
        torch.testing.assert_close(recordings.of(lanes, (2,), (x,)), x * lanes)
    assert made == [2, 3, 4, 5]
