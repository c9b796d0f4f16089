"""How many published optimizer classes race, do what a hand-written loop does, and train a network.

Run by ``make survey``. The packages are those installed where it runs; names of classes narrow it down.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

import slalom
from slalom.optimizers import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "optimizers"))
import plain_loops

PACKAGES = ("pytorch_optimizer", "schedulefree", "prodigyopt", "lion_pytorch")
STARTS = [(-1.5, 1.0), (0.5, -1.0), (2.0, 2.0), (1.2, 0.3)]
STEPS, TRAINING_STEPS = 60, 40
LOOP_FAILS = "the hand-written loop fails too: "


def classes(package: str) -> Iterator[str]:
    """Yield the names of a package's optimizer classes."""
    for name, value in sorted(vars(importlib.import_module(package)).items()):
        if (
            isinstance(value, type)
            and issubclass(value, torch.optim.Optimizer)
            and value.__module__.startswith(package)
        ):
            yield name


def on_landscape(optimizer: Any, starts: list[tuple[float, float]]) -> str:
    """Return how a race from ``starts`` differs from hand-written loops, "" where it does not."""
    try:
        race = slalom.race("(1-x)**2 + 5*(y-x**2)**2", [optimizer], starts=starts, steps=STEPS, engine="field")
    except slalom.InputError as problem:
        return f"does not race: {problem}"
    for path, start in zip(race.paths, starts, strict=True):
        try:
            expected = plain_loops.descend(optimizer.factory, start, STEPS, optimizer.needs)
        except Exception as problem:
            return f"{LOOP_FAILS}{type(problem).__name__}: {problem}"
        lasting = min(len(expected), int(np.isfinite(path).all(axis=1).sum()))
        if not np.array_equal(path[:lasting], expected[:lasting]):
            step = int(np.argmax((path[:lasting] != expected[:lasting]).any(axis=1)))
            apart = np.abs(path[step] - expected[step]).max()
            return f"differs from the loop at step {step}, from {start}, by {apart:.2g}"
    return ""


def on_network(optimizer: Any) -> tuple[str, str]:
    """Return how training digits-mlp differs from a hand-written loop, and why it does not train; "" where it does."""
    try:
        race = slalom.race("digits-mlp", [optimizer], steps=TRAINING_STEPS, engine="solo")
    except slalom.InputError as problem:
        return str(problem), str(problem)
    run = race.runs[0]
    if run.error:
        return run.error, run.error
    trains = run.last["train_loss"] < run.evaluations[0]["train_loss"]
    made = plain_loops.over_matrices(optimizer.factory, optimizer.needs)
    try:
        expected = plain_loops.train(made, TRAINING_STEPS, optimizer.needs, race.training.evaluate_at)
    except Exception as problem:
        return f"{LOOP_FAILS}{type(problem).__name__}: {problem}", "" if trains else "the loss does not fall"
    same = run.losses.tolist() == expected[: len(run.losses)]
    return "" if same else "differs from the loop", "" if trains else "the loss does not fall"


def examine(path: str) -> dict[str, str]:
    """Return what is wrong with a class, by question; "" where nothing is."""
    try:
        optimizer = parse(path)
    except slalom.InputError as problem:
        return {"races": str(problem)}
    told = {"races": "", "equal from one start": on_landscape(optimizer, STARTS[:1])}
    if told["equal from one start"].startswith("does not race"):
        told["races"] = told["equal from one start"]
    told["equal from four starts"] = on_landscape(optimizer, STARTS)
    told["equal on digits-mlp"], told["trains digits-mlp"] = on_network(optimizer)
    return told


QUESTIONS = ("races", "equal from one start", "equal from four starts", "equal on digits-mlp", "trains digits-mlp")


def main(wanted: list[str]) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # as slalom computes networks; sums round otherwise on two
    for package in PACKAGES:
        try:
            names = [name for name in classes(package) if not wanted or name in wanted]
        except ModuleNotFoundError:
            print(f"{package}: not installed")
            continue
        print(
            f"{package} {importlib.metadata.version(package)}, {len(names)} classes; those of which something is wrong:"
        )
        found = []
        for name in names:
            with redirect_stdout(StringIO()):  # some classes print
                found.append(examine(f"{package}.{name}"))
            for question, problem in found[-1].items():
                if problem:
                    print(f"    {name}, {question}: {' '.join(problem.split())[:180]}", flush=True)
        counts = [f"{sum(told.get(question) == '' for told in found)} {question}" for question in QUESTIONS]
        print(f"{package}: of {len(names)} classes {', '.join(counts)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
