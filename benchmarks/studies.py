"""Speed of studies: against the same runs in plain loops, the share of the store, and what halving saves and costs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from timing import HERE, Line, in_process, median, seconds

RUNS = 100_000
"""Runs of the store that is opened and listed."""

SAMPLE = 2
"""Plain loops that are timed for each of the six classes."""

COURSES = ("digits-mlp", "digits-logreg", "deepobs-quadratic-deep", "rosenbrock", "beale")
HALVED = [(one, steps, track) for one in COURSES for steps in (60, 90, 180, 270, 360) for track in ("lr", "full")]
"""The fifty studies that are tuned with halving and without."""


# -- what the processes do ---------------------------------------------------------------------------------------------


def digits() -> dict[str, float]:
    """The lr track of the six classics on digits-mlp."""
    return _study("digits-mlp", epochs=20)


def digits_plain() -> dict[str, float]:
    """Its runs in plain loops on tensors in memory: seconds of an evaluation run and of a tuning run."""
    return _plain_seconds("digits-mlp", epochs=20, usual=False)


def mnist() -> dict[str, float]:
    """The same on mnist-mlp for three epochs."""
    return _study("mnist-mlp", epochs=3)


def mnist_usual() -> dict[str, float]:
    """Its runs in the loop that most people write."""
    return _plain_seconds("mnist-mlp", epochs=3, usual=True)


def mnist_plain() -> dict[str, float]:
    """Its runs in plain loops on tensors in memory."""
    return _plain_seconds("mnist-mlp", epochs=3, usual=False)


def _study(task: str, epochs: int) -> dict[str, float]:
    """Carry out the study; return its seconds, end to end, those within the store, and its numbers of runs."""
    import torch  # noqa: F401  the plain loop's import is not counted either

    import slalom
    from slalom.store import Store
    from slalom.store import open as open_store

    within = [0.0]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "runs.sqlite") as store:
        with _timed(store, ("put_all", "get", "missing", "save_study", "study"), within):
            began = time.perf_counter()
            found: Any = slalom.study(task, epochs=epochs, store=store, workers=2)
            spent = time.perf_counter() - began
        assert isinstance(store, Store)
    tuning = sum(len(one.runs) for one in found.tuned.values())
    return {"ours": spent, "store": within[0], "tuning": tuning, "evaluation": found.computed - tuning}


@contextmanager
def _timed(store: Any, names: tuple[str, ...], total: list[float]) -> Iterator[None]:
    """Add up the seconds that some methods of a store take."""

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                total[0] += time.perf_counter() - began

        return call

    for name in names:
        setattr(store, name, timed(getattr(store, name)))
    yield


def _plain_seconds(name: str, epochs: int, usual: bool) -> dict[str, float]:
    """Return the seconds of an evaluation run and of a tuning run in a plain loop, means of a sample over six classes.

    A loop evaluates when the study does: a tuning run at its ends, an evaluation run at every epoch, on all splits.
    """
    import torch

    from slalom.tasks import find

    torch.set_num_threads(2)
    task: Any = find(name)
    classes = [getattr(torch.optim, c) for c in ("SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW")]
    run = _usual_loop(task, epochs) if usual else _plain_loop(task, epochs)
    run(torch.optim.Adam, True)
    sample = SAMPLE if not usual else 1
    return {
        kind: sum(seconds(lambda c=c, o=often: run(c, o)) for c in classes for _ in range(sample)) / 6 / sample
        for kind, often in (("evaluation", True), ("tuning", False))
    }


def _plain_loop(task: Any, epochs: int) -> Callable[[Any, bool], None]:
    """Return the loop on tensors in memory."""
    import torch

    splits = task.splits(0)
    x, y = task.examples().inputs[0], task.examples().target
    parts = [(x[rows], y[rows]) for rows in splits.named().values()]
    training, batch = (x[splits.train], y[splits.train]), task.batch_size

    def run(optimizer_class: Any, often: bool) -> None:
        model = task.model(0)
        optimizer = optimizer_class(model.parameters(), lr=0.01)

        def evaluate() -> None:
            model.eval()
            with torch.no_grad():
                for inputs, target in parts:
                    outputs = model(inputs)
                    torch.nn.functional.cross_entropy(outputs, target).item()
                    (outputs.argmax(1) == target).float().mean().item()
            model.train()

        evaluate()
        for epoch in range(epochs):
            for chosen in torch.randperm(len(training[0])).split(batch):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(training[0][chosen]), training[1][chosen]).backward()
                optimizer.step()
            if often or epoch == epochs - 1:
                evaluate()

    return run


def _usual_loop(task: Any, epochs: int) -> Callable[[Any, bool], None]:
    """Return the loop that most people write: a DataLoader over a Dataset of images."""
    import torch
    from networks import images

    splits = task.splits(0)
    training = torch.utils.data.DataLoader(images(task, splits.train), batch_size=256, shuffle=True)
    loaders = [torch.utils.data.DataLoader(images(task, rows), batch_size=256) for rows in splits.named().values()]

    def run(optimizer_class: Any, often: bool) -> None:
        model = task.model(0)
        optimizer = optimizer_class(model.parameters(), lr=0.01)

        def evaluate() -> None:
            with torch.no_grad():
                for loader in loaders:
                    sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)

        evaluate()
        for epoch in range(epochs):
            for x, y in training:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
            if often or epoch == epochs - 1:
                evaluate()

    return run


def listing() -> dict[str, float]:
    """Open a store of 100,000 runs and list a study of 300 in it."""
    import numpy as np

    from slalom.core import Run, Training
    from slalom.store import RunSpec
    from slalom.store import open as open_store

    training = Training.of(360, 18)
    losses = np.linspace(2.3, 0.1, 360)
    rows = [{"step": s, "epoch": s / 18, "seconds": 0.0, "train_loss": 1.0, "test_loss": 1.0, "test_accuracy": 0.9}
            for s in training.evaluate_at]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.sqlite"
        keys: list[str] = []
        with open_store(path) as store:
            for low in range(0, RUNS, 1000):
                specs = [RunSpec("digits-mlp", "torch.optim.adam.Adam", seed, {"lr": 0.01}, training=training)
                         for seed in range(low, low + 1000)]  # fmt: skip
                store.put_all((spec, Run(losses, rows, completed=360)) for spec in specs)
                keys += [spec.key for spec in specs[:3]]
            store.save_study("one of many", {}, keys)

        def look() -> None:
            with open_store(path, readonly=True) as store:
                assert len(list(store.query(study="one of many"))) == len(keys)

        return {"seconds": median(look, 5), "megabytes": path.stat().st_size / 1e6}


def halving() -> dict[str, float]:
    """Tune fifty studies with halving and without, and compare whom they choose and what that came to."""
    from slalom.lab.studying import plan_study
    from slalom.lab.studying.executing import Executor, Locally
    from slalom.lab.studying.tuning import tune
    from slalom.store import MemoryStore

    same, alike, choices, made, whole = 0, 0, 0, 0, 0
    for course, steps, track in HALVED:
        tuned = {}
        for halved in (True, False):
            store = MemoryStore()
            (plan,) = plan_study(course, steps=steps, track=track, halving=halved, workers=2, store=store)
            question = plan.question
            executor = Executor(question.ground, plan.setting, store, plan.width, Locally(2), plan.steps)
            tuned[halved] = tune(question, executor)
            done = sum(one.run.completed for found in tuned[halved].values() for one in found.runs)
            made, whole = (made + done, whole) if halved else (made, whole + done)
        agree = [tuned[True][name].optimizer == tuned[False][name].optimizer for name in tuned[True]]
        same, alike, choices = same + all(agree), alike + sum(agree), choices + len(agree)
    return {"studies": len(HALVED), "same": same, "alike": alike, "choices": choices, "share": made / whole}


# -- the report --------------------------------------------------------------------------------------------------------


def lines() -> list[Line]:
    """Return the rows of the report."""
    return [*study_lines(), *store_lines(), *halving_lines()]


def study_lines() -> list[Line]:
    studies = sorted((in_process(__file__, "digits", cores=2) for _ in range(3)), key=lambda found: found["ours"])
    found = studies[1]
    rows = [_study_line("digits-mlp, 20 epochs", "the plain loop", found, "digits_plain", 6.0)]
    share = found["store"] / found["ours"]
    rows.append(Line("the same: the store's share of the time", f"{share:.2%}", "< 1 %", share < 0.01))
    if not os.environ.get("SLALOM_DATA") and not (HERE.parent.parent / "shared" / "data" / "mnist").is_dir():
        return [*rows, Line("mnist-mlp", "not measured: set SLALOM_DATA to the folder with its four files", "", None)]
    os.environ.setdefault("SLALOM_DATA", str(HERE.parent.parent / "shared" / "data" / "mnist"))
    found = in_process(__file__, "mnist", cores=2)
    rows.append(_study_line("mnist-mlp, 3 epochs", "the usual loop", found, "mnist_usual", 3.0))
    rows.append(_study_line("mnist-mlp, 3 epochs", "a loop on tensors in memory", found, "mnist_plain", None))
    return rows


def _study_line(what: str, against: str, found: dict[str, float], plain: str, least: float | None) -> Line:
    each = in_process(__file__, plain, cores=2)
    theirs = each["evaluation"] * found["evaluation"] + each["tuning"] * found["tuning"]
    ratio, runs = theirs / found["ours"], found["tuning"] + found["evaluation"]
    return Line(
        f"study, lr track, six optimizers on {what}, end to end on two cores, against {against}",
        f"{ratio:.1f} × ({theirs:.0f} / {found['ours']:.1f} s for {runs:.0f} runs)",
        "" if least is None else f"≥ {least:g}",
        None if least is None else ratio >= least,
    )


def store_lines() -> list[Line]:
    found = in_process(__file__, "listing")
    what = f"opening a store of {RUNS:,} runs ({found['megabytes']:.0f} MB) and listing a study of 300 in it"
    return [Line(what, f"{found['seconds']:.2f} s", "< 0.5 s", found["seconds"] < 0.5)]


def halving_lines() -> list[Line]:
    found = in_process(__file__, "halving", cores=2)
    figure = (
        f"all six choices the same in {found['same']:.0f} of {found['studies']:.0f} studies, {found['alike']:.0f} of "
        f"{found['choices']:.0f} choices; {found['share']:.0%} of the steps"
    )
    return [Line("halving against the full search, fifty studies of six optimizers", figure, "", None)]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
