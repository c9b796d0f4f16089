"""Speed on networks: against the plain loop, against the loop most people write, against JAX, and of a whole map."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from timing import HERE, PEERS, Line, in_process, median, output, seconds

RATES = [10 ** (-4 + 3 * index / 19) for index in range(20)]
SIX = [f"{name}:lr=0.01" for name in ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw")]
SEEDS = 5
STEPS = 360
BATCH = 256


# -- what the processes do ---------------------------------------------------------------------------------------------


def digits() -> dict[str, float]:
    """digits-mlp, Adam at 20 learning rates × 5 seeds: seconds per network and step, alone and together, one core."""
    import torch

    from slalom.core import Runner, Training
    from slalom.engines import networks
    from slalom.optimizers import parse
    from slalom.tasks import find

    torch.set_num_threads(1)
    task, training = find("digits-mlp"), Training(STEPS, 18, ())
    runners = [Runner(parse(f"adam:lr={rate!r}"), seed) for rate in RATES for seed in range(SEEDS)]
    splits = task.splits(0)
    x, y = task.examples().inputs[0][splits.train], task.examples().target[splits.train]

    def loop() -> None:
        """The plain loop on tensors in memory."""
        model = task.model(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        for step in range(STEPS):
            if step % 18 == 0:
                order = torch.randperm(len(x))
            chosen = order[step % 18 * 64 : (step % 18 + 1) * 64]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()

    def together(engine: str) -> None:
        getattr(networks, engine)(task, runners, training)

    def alone() -> None:
        """The same in slalom's plain loop."""
        networks.solo(task, runners[:1], training)

    loop()
    alone()
    plain_pairs = [(seconds(loop), seconds(alone)) for _ in range(9)]
    together("fleet")
    pairs = [(seconds(loop), seconds(lambda: together("fleet"))) for _ in range(5)]
    plain, fleet = (sorted(column)[2] for column in zip(*pairs, strict=True))
    return {
        "loop": plain / STEPS,
        "solo": sorted(solo / by_hand for by_hand, solo in plain_pairs)[4],
        "fleet": fleet / STEPS / len(runners),
        "field": median(lambda: together("field"), 3) / STEPS / len(runners),
    }


def mnist_mlp() -> dict[str, float]:
    """Six optimizers × five seeds × five epochs through slalom.race, and the usual loop."""
    return _mnist("mnist-mlp", seeds=SEEDS, epochs=5, loops=2)


def mnist_cnn() -> dict[str, float]:
    """Six optimizers × one seed × two epochs through slalom.race, and the usual loop."""
    return _mnist("mnist-cnn", seeds=1, epochs=2, loops=1)


def mnist_cnn_bf16() -> dict[str, float]:
    """The same in bfloat16."""
    return _mnist("mnist-cnn", seeds=1, epochs=2, loops=1, precision="bf16")


def _mnist(name: str, *, seeds: int, epochs: int, loops: int, precision: str = "fp32") -> dict[str, float]:
    """Seconds for each run and epoch: of ``slalom.race`` end to end, and of the loop most people write, two threads."""
    import torch

    import slalom
    from slalom.tasks import find

    task = find(name)
    splits = task.splits(0)

    training = torch.utils.data.DataLoader(images(task, splits.train), batch_size=BATCH, shuffle=True)
    test = torch.utils.data.DataLoader(images(task, splits.test), batch_size=BATCH)

    def loop(optimizer_class: type[torch.optim.Optimizer]) -> None:
        """One epoch of training and the test accuracy after it."""
        model = task.model(0)
        optimizer = optimizer_class(model.parameters(), lr=0.01)  # type: ignore[call-arg]
        for x, y in training:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            sum(int((model(x).argmax(1) == y).sum()) for x, y in test)

    classes = [getattr(torch.optim, name) for name in ("SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW")]
    torch.set_num_threads(2)
    usual = sorted(seconds(lambda c=c: loop(c)) for c in classes for _ in range(loops))
    begin = time.perf_counter()
    race = slalom.race(name, SIX, seeds=seeds, epochs=epochs, precision=precision, workers=2)
    ours = (time.perf_counter() - begin) / (len(SIX) * seeds * epochs)
    assert all(run.completed for run in race.runs)
    return {"usual": usual[len(usual) // 2], "ours": ours, "accuracy": race.final("test_accuracy").max()}


def images(task: Any, indices: Any) -> Any:
    """Return a data set of images kept as bytes, scaled one by one when asked for, as customary ones do."""
    import torch

    examples = task.examples()

    class Images(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __init__(self) -> None:
            pixels = (examples.inputs[0][indices] * 0.5 + 0.5) * 255
            self.images, self.labels = pixels.round().to(torch.uint8), examples.target[indices]

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return (self.images[index].float() / 255 - 0.5) / 0.5, int(self.labels[index])

    return Images()


def trainability() -> dict[str, float]:
    """The map of 64 × 64 networks, 200 steps each, on two cores."""
    import slalom

    def draw() -> None:
        slalom.sweep("digits-mlp", "sgd", over="lr,momentum", grid=64, steps=200, workers=2)

    return {"seconds": seconds(draw)}


# -- the report --------------------------------------------------------------------------------------------------------


def lines() -> list[Line]:
    """Return the rows of the report."""
    return [*digits_lines(), *mnist_lines(), *map_lines()]


def digits_lines() -> list[Line]:
    found = in_process(__file__, "digits")
    ratio = found["loop"] / found["fleet"]
    rows = [
        Line(
            "digits-mlp, 100 runners (20 learning rates × 5 seeds), one core: fleet per network-step against the loop",
            f"{ratio:.1f} × ({1e6 * found['loop']:.0f} / {1e6 * found['fleet']:.1f} µs; "
            f"the field {1e6 * found['field']:.1f} µs)",
            "≥ 8",
            ratio >= 8,
        )
    ]
    what = "digits-mlp, one run, no evaluations: slalom's plain loop against the loop by hand"
    rows.append(Line(what, f"{found['solo']:.2f} × its time", "≤ 1.2", found["solo"] <= 1.2))
    what = "the same: fleet against JAX and optax, same core"
    if not PEERS.exists():
        return [*rows, Line(what, "not measured: run `make peers`", "≥ 0.5, aim 1.0", None)]
    theirs = float(output([str(PEERS), str(HERE / "peers" / "jax_networks.py"), "100", str(STEPS), "5"]))
    theirs /= 100 * STEPS
    against = theirs / found["fleet"]
    figure = f"{against:.2f} × ({1e6 * theirs:.1f} / {1e6 * found['fleet']:.1f} µs)"
    return [*rows, Line(what, figure, "≥ 0.5, aim 1.0", against >= 0.5)]


def mnist_lines() -> list[Line]:
    if not os.environ.get("SLALOM_DATA") and not (HERE.parent.parent / "shared" / "data" / "mnist").is_dir():
        return [Line("MNIST", "not measured: set SLALOM_DATA to the folder with its four files", "", None)]
    os.environ.setdefault("SLALOM_DATA", str(HERE.parent.parent / "shared" / "data" / "mnist"))
    wanted = (
        ("mnist_mlp", "mnist-mlp, six optimizers × 5 seeds × 5 epochs", 4.0, "≥ 4"),
        ("mnist_cnn", "mnist-cnn, six optimizers × 2 epochs, float32", 1.15, "≥ 1.15, aim 1.5"),
        ("mnist_cnn_bf16", "mnist-cnn, six optimizers × 2 epochs, bfloat16", 2.2, "≥ 2.2"),
    )
    rows = []
    for name, what, least, target in wanted:
        found = in_process(__file__, name, cores=2)
        ratio = found["usual"] / found["ours"]
        figure = f"{ratio:.2f} × ({found['usual']:.2f} / {found['ours']:.2f} s for each run and epoch)"
        rows.append(Line(f"{what}, end to end on two cores, against the usual loop", figure, target, ratio >= least))
    return rows


def map_lines() -> list[Line]:
    found = in_process(__file__, "trainability", cores=2)
    what = "trainability map of digits-mlp, 64 × 64 networks × 200 steps, two cores"
    return [Line(what, f"{found['seconds']:.1f} s", "< 40 s, aim 15", found["seconds"] < 40)]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
