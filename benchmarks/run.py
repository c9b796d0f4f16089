"""Speed, as ratios measured in one run: `make bench`. Absolute times depend on the machine, ratios travel.

Each measurement runs in a process of its own, pinned to one core unless it is about two. Medians throughout.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import networks
import pages
import studies
from timing import HERE, PEERS, Line, alternate, cpu_seconds, in_process, median, output, show

SIX = ["sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=1", "adam:lr=1", "adamw:lr=1"]
START = (-75.0, -10.0)
STEPS = 500


# -- what the processes do ---------------------------------------------------------------------------------------------


def field() -> dict[str, float]:
    """Six plain loops against one field of the same classes, both float64, one core."""
    import numpy as np
    import torch

    import slalom

    torch.set_num_threads(1)
    classes = {
        torch.optim.SGD: 0.1, torch.optim.Adagrad: 1.0, torch.optim.RMSprop: 1.0, torch.optim.Adadelta: 1.0,
        torch.optim.Adam: 1.0, torch.optim.AdamW: 1.0,
    }  # fmt: skip

    def loops() -> list[list[list[float]]]:
        paths = []
        for optimizer_class, rate in classes.items():
            point = torch.tensor(START, dtype=torch.float64, requires_grad=True)
            optimizer = optimizer_class([point], lr=rate)
            path = [point.tolist()]
            for _ in range(STEPS):
                optimizer.zero_grad()
                loss = (point**2).sum()
                loss.backward()
                optimizer.step()
                path.append(point.tolist())
            paths.append(path)
        return paths

    def together() -> object:
        return slalom.race("sphere", SIX, start=START, steps=STEPS, engine="field").paths

    same = np.array_equal(np.array(loops()), np.asarray(together()))
    plain, shared = alternate(loops, together, repeats=7)
    return {"loops": plain, "field": shared, "same": float(same)}


def fleet() -> dict[str, float]:
    """Adam: the plain loop per step, and fleets of 10,000 and 1,000 lanes through slalom.race."""
    import numpy as np
    import torch

    import slalom

    torch.set_num_threads(1)

    def loop() -> None:
        point = torch.tensor(START, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([point], lr=1.0)
        for _ in range(STEPS):
            optimizer.zero_grad()
            (point**2).sum().backward()
            optimizer.step()

    loop()
    result = {"loop": median(loop, 5) / STEPS}
    for lanes in (10_000, 1_000):
        starts = [*map(tuple, np.random.default_rng(0).uniform(-100, 100, (lanes, 2)).tolist())]

        def many(starts: list[tuple[float, ...]] = starts) -> None:
            slalom.race("sphere", ["adam:lr=1"], starts=starts, steps=STEPS, engine="fleet").paths  # noqa: B018

        many()
        result[str(lanes)] = median(many, 7) / (STEPS * lanes)
        result[f"{lanes} moving"] = moving(starts) / (STEPS * lanes)
    return result


def moving(starts: list[tuple[float, ...]]) -> float:
    """Seconds that the engine alone takes, without checking and enlisting the runners."""
    import torch

    from slalom import engines
    from slalom.core import Noise, Runner
    from slalom.landscapes import find
    from slalom.optimizers import parse

    adam, sphere = parse("adam:lr=1"), find("sphere")
    runners = [Runner(adam, 0, start, index, "Adam") for index, start in enumerate(starts)]

    def move() -> None:
        engines.fleet(sphere, runners, STEPS, noise=Noise(), dtype=torch.float64, device="cpu")

    move()
    return median(move, 7)


def basins() -> dict[str, float]:
    """A basin map of 256 × 256 starts × six optimizers × 500 steps on two cores."""
    import torch

    import slalom

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    slalom.sweep("sphere", SIX, over="start", grid=4)
    seconds = median(lambda: slalom.sweep("sphere", SIX, over="start", grid=256, steps=STEPS), 3)
    return {"seconds": seconds, "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0}


def gif() -> dict[str, float]:
    """The synchronised race of six runners as a GIF of 150 frames."""
    import slalom

    race = slalom.race("sphere", SIX, start=START, steps=STEPS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "race.gif"
        begin = time.perf_counter()
        race.save(path)
        seconds = time.perf_counter() - begin
        from PIL import Image

        with Image.open(path) as image:
            frames = image.n_frames  # type: ignore[attr-defined]
        return {"seconds": seconds, "bytes": float(path.stat().st_size), "frames": float(frames)}


# -- the report --------------------------------------------------------------------------------------------------------


def report() -> list[Line]:
    return [
        *field_lines(),
        *fleet_lines(),
        *basin_lines(),
        *start_lines(),
        *gif_lines(),
        *networks.lines(),
        *studies.lines(),
        *pages.lines(),
    ]


def field_lines() -> list[Line]:
    found = in_process(__file__, "field")
    ratio = found["loops"] / found["field"]
    same = "bit-identical" if found["same"] else "NOT identical"
    return [
        Line(
            f"six optimizers × {STEPS} steps: field against six plain loops",
            f"{ratio:.2f} × ({1000 * found['loops']:.0f} / {1000 * found['field']:.0f} ms, {same})",
            "≥ 1.7, aim 2.5",
            ratio >= 1.7 and bool(found["same"]),
        )
    ]


def fleet_lines() -> list[Line]:
    found = in_process(__file__, "fleet")
    loop, many, few = found["loop"], found["10000"], found["1000"]
    lines = [
        Line(
            "Adam, 10,000 lanes, float64, one core: fleet per run-step against the plain loop",
            f"{loop / many:,.0f} × ({1e6 * loop:.0f} µs / {1e9 * many:.1f} ns; "
            f"the engine alone {1e9 * found['10000 moving']:.1f} ns)",
            "≥ 6,000",
            loop / many >= 6000,
        )
    ]
    if not PEERS.exists():
        return [
            *lines,
            Line("the same against JAX and optax", "not measured: run `make peers`", "≥ 1.2 and ≥ 0.3", None),
        ]
    for lanes, ours, least, aim in ((10_000, many, 1.2, 1.7), (1_000, few, 0.3, 1.0)):
        command = [str(PEERS), str(HERE / "peers" / "jax_adam.py"), str(lanes), str(STEPS), "7"]
        theirs = float(output(command)) / (STEPS * lanes)
        engine = found[f"{lanes} moving"]
        lines.append(
            Line(
                f"Adam, {lanes:,} lanes: fleet against JAX and optax, same core",
                f"{theirs / ours:.2f} × ({1e9 * theirs:.1f} / {1e9 * ours:.1f} ns; "
                f"the engine alone {theirs / engine:.2f} ×)",
                f"≥ {least}, aim {aim}",
                theirs / ours >= least,
            )
        )
    return lines


def basin_lines() -> list[Line]:
    found = in_process(__file__, "basins", cores=2)
    return [
        Line(
            "basin map, 256 × 256 starts × six optimizers × 500 steps, two cores",
            f"{found['seconds']:.1f} s, {found['bytes'] / 2**30:.2f} GiB",
            "< 5 s, aim 2, < 1 GiB",
            found["seconds"] < 5 and found["bytes"] < 2**30,
        )
    ]


def start_lines() -> list[Line]:
    slalom = str(Path(sys.executable).with_name("slalom"))
    helped = cpu_seconds([slalom, "--help"])
    with tempfile.TemporaryDirectory() as folder:
        card = [slalom, "race", "sphere", "--save", str(Path(folder) / "card.png")]
        bare = [sys.executable, "-c", "import torch, torch._dynamo, matplotlib.pyplot"]
        subprocess.run(card, check=True, capture_output=True)

        def run(command: list[str]) -> Callable[[], object]:
            return lambda: subprocess.run(command, check=True, capture_output=True)

        drawn, imported = alternate(run(card), run(bare), repeats=5)
    return [
        Line("slalom --help", f"{helped:.2f} s of CPU", "< 0.25 s", helped < 0.25),
        Line(
            "slalom race sphere --save card.png against bare imports of torch, torch._dynamo, pyplot",
            f"{drawn / imported:.2f} × ({drawn:.2f} / {imported:.2f} s)",
            "≤ 1.35",
            drawn / imported <= 1.35,
        ),
    ]


def gif_lines() -> list[Line]:
    found = in_process(__file__, "gif", cores=2)
    return [
        Line(
            f"GIF of six runners, {found['frames']:.0f} frames",
            f"{found['seconds']:.1f} s, {found['bytes'] / 1e6:.2f} MB",
            "< 5 s, < 2 MB",
            found["seconds"] < 5 and found["bytes"] < 2e6,
        )
    ]


def main() -> None:
    import torch

    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}\n"
    )
    lines = report()
    show(lines)
    sys.exit(any(line.holds is False for line in lines))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(globals()[sys.argv[1]]()))
    else:
        main()
