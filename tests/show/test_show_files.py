"""Every picture draws, and every format reads back."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import missing
from slalom.core import InputError, RaceRecord
from slalom.lab import race
from slalom.show import animation, plots, views

CLASSICS = ["sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=1", "adam:lr=1", "adamw:lr=1"]
START = (-75.0, -10.0)


@pytest.fixture(scope="module")
def bowl() -> RaceRecord:
    return race("sphere", CLASSICS, start=START, steps=500)


def shown(figure: object) -> Image.Image:
    """Return a figure as the image that a reader opens."""
    return Image.open(io.BytesIO(plots.png(figure))).convert("RGB")  # type: ignore[arg-type]


def ink(image: Image.Image) -> float:
    """Return the share of pixels that are not nearly white."""
    return float((np.asarray(image).min(axis=2) < 200).mean())


AWKWARD = {
    "a wide frame": ("sphere", CLASSICS, {"start": START, "steps": 120}),
    "a square frame": ("himmelblau", CLASSICS, {"steps": 60}),
    "one variable": ("x**2/8 + sin(3*x)", ["sgd:lr=0.05", "adam:lr=0.1"], {"start": (-4.0,), "steps": 50}),
    "three variables": ("x0**2 + x1**2 + 3*x2**2", ["sgd:lr=0.05"], {"start": (1.0, 2.0, 3.0), "steps": 50}),
    "no minimum": ("saddle", CLASSICS, {"steps": 120}),
    "a runner that diverges": ("sphere", ["sgd:lr=1.5", "adam:lr=1"], {"start": START, "steps": 120}),
    "only runners that diverge": ("sphere", ["sgd:lr=1.5", "sgd:lr=2"], {"start": START, "steps": 300}),
    "a start in the minimum": ("sphere", CLASSICS, {"start": (0.0, 0.0), "steps": 20}),
    "one step": ("sphere", ["sgd:lr=0.1"], {"start": START, "steps": 1}),
    "many starts": ("himmelblau", ["sgd:lr=0.01", "adam:lr=0.1"], {"starts": 9, "steps": 40}),
    "noise and seeds": ("sphere", ["sgd:lr=0.1", "adam:lr=1"], {"start": START, "steps": 40, "noise": 9.0, "seeds": 3}),
    "twelve optimizers": (
        "rosenbrock",
        [f"{name}:lr=0.001" for name in ("sgd", "momentum", "nesterov", "adam", "amsgrad", "adamw", "nadam", "radam")]
        + [f"{name}:lr=0.001" for name in ("adamax", "rmsprop", "adagrad", "rprop")],
        {"steps": 150},
    ),
}


@pytest.mark.parametrize("case", AWKWARD)
def test_cards_draw_awkward_races(case: str) -> None:
    course, optimizers, options = AWKWARD[case]
    record = race(course, optimizers, **options)
    card = shown(plots.comparison(views.comparison(record)))
    assert card.width == 1400
    assert 0.01 < ink(card) < 0.5
    alone = shown(plots.path_card(views.path_card(record, len(record.runners) - 1)))
    assert 0.005 < ink(alone) < 0.5


def test_circles_are_circles(bowl: RaceRecord) -> None:
    target = plots.comparison(views.comparison(bowl)).axes[0]
    (x0, y0), (x1, y1) = target.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)


def test_surface_draws_with_and_without_paths(bowl: RaceRecord) -> None:
    bare = shown(plots.surface(views.surface(bowl.course)))
    with_paths = shown(plots.surface(views.surface(bowl.course, bowl)))
    assert ink(bare) > 0.05
    assert bare.tobytes() != with_paths.tobytes()


def test_sweeps_draw(bowl: RaceRecord) -> None:
    rows = [
        race("sphere", [f"{n}:lr={0.2 * f}" for f in views.FACTORS], start=START, steps=60) for n in ("sgd", "adam")
    ]
    assert ink(shown(plots.ladder(views.ladder(rows)))) > 0.01
    rates = np.geomspace(1e-4, 1, 9)
    final = np.random.default_rng(0).lognormal(size=(9, 6))
    final[-2:] = np.nan
    sweeps = [views.RateSweep(name, name.lower(), rates, final * k, 1e-3) for k, name in enumerate(("SGD", "Adam"), 1)]
    for some in (sweeps, sweeps[:1]):
        view = views.sensitivity(some, "x² + y²", tolerance=0.01, runs="6 starts")
        assert ink(shown(plots.sensitivity(view))) > 0.005
    nothing = [views.RateSweep("SGD", "sgd", rates, np.full((9, 6), np.nan))]
    lost = views.sensitivity(nothing, "x²", tolerance=0.01, runs="6 starts")
    assert lost.sentence == ("No learning rate of this range is good enough.",)
    assert ink(shown(plots.sensitivity(lost))) > 0.005


@pytest.mark.parametrize("optimizers", [1, 2, 3])
def test_basin_maps_and_fans_draw(optimizers: int) -> None:
    names = ["sgd:lr=0.1", "adam:lr=1", "rmsprop:lr=1"][:optimizers]
    fan = race("sphere", names, starts=[(1.0, 2.0), (1.5, 2.0), (1.0, 2.5)], steps=40)
    grid = np.linspace(-5, 5, 12)
    points = np.zeros((144, 2))
    arrived, lost, never = np.arange(144) - 10, np.arange(144) > 130, np.zeros(144, dtype=bool)
    sweeps = [
        views.StartSweep(runner.optimizer.name, runner.optimizer.family, grid, grid, points, arrived, lost, never)
        for runner in fan.runners[::3]
    ]
    for with_fan in (fan, None):
        view = views.basin_map(sweeps, fan.course, steps=200, fan=with_fan)
        assert ink(shown(plots.basin_map(view))) > 0.02
    assert ink(shown(plots.fan(views.fan(fan)))) > 0.005


def test_the_same_race_gives_the_same_bytes(bowl: RaceRecord, tmp_path: Path) -> None:
    for form in ("png", "svg", "pdf"):
        pair = []
        for turn in range(2):
            path = tmp_path / f"{turn}.{form}"
            plots.write(plots.comparison(views.comparison(bowl)), path)
            pair.append(path.read_bytes())
        assert pair[0] == pair[1], form
        assert len(pair[0]) > 10_000


def test_svg_is_small_and_its_contours_are_pixels(bowl: RaceRecord, tmp_path: Path) -> None:
    path = tmp_path / "card.svg"
    plots.write(plots.comparison(views.comparison(bowl)), path)
    tree = ElementTree.parse(path)
    assert tree.getroot().tag.endswith("svg")
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}image"))) >= 1
    assert path.stat().st_size < 500_000


def test_pdf_has_its_mark(bowl: RaceRecord) -> None:
    stream = io.BytesIO()
    plots.write(plots.path_card(views.path_card(bowl, 4)), stream, "pdf")
    assert stream.getvalue().startswith(b"%PDF")
    assert b"CreationDate" not in stream.getvalue()


def test_gif_reads_back_frame_by_frame(bowl: RaceRecord, tmp_path: Path) -> None:
    view = views.synchronised_race(bowl, frames=40)
    path = tmp_path / "race.gif"
    animation.write(view, path)
    with Image.open(path) as image:
        assert image.n_frames == 40  # type: ignore[attr-defined]
        assert image.size == (800, 590)
        assert image.info["duration"] == 1000 / view.per_second // 10 * 10
        assert image.info["loop"] == 0
        for frame in (0, 17, 39):
            image.seek(frame)
            seen = np.asarray(image.convert("RGB")).astype(int)
            drawn = next(p.copy() for k, p in enumerate(animation.frames(view)) if k == frame)[..., :3].astype(int)
            assert np.abs(seen - drawn).mean() < 2, "the palette and the differences keep every pixel close"
    assert path.stat().st_size < 600_000


# imageio_ffmpeg's reader leaves the pipes of its finished process to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_mp4_reads_back(bowl: RaceRecord, tmp_path: Path) -> None:
    try:
        import imageio_ffmpeg
    except ImportError:
        missing("imageio_ffmpeg")
    path = tmp_path / "race.mp4"
    view = views.synchronised_race(bowl, frames=12)
    animation.write(view, path)
    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    assert about["size"] == (1280, 944)
    assert sum(1 for _ in reader) == 12 + round(animation.LAST_SECONDS * view.per_second)


def test_without_an_encoder_mp4_says_what_to_install(
    bowl: RaceRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    view = views.synchronised_race(bowl, frames=3)
    with pytest.raises(InputError, match=r'pip install "slalom\[video\]"'):
        animation.write(view, tmp_path / "race.mp4")
    assert not (tmp_path / "race.mp4").exists()


def test_an_animation_of_three_variables_is_refused_in_a_sentence() -> None:
    record = race("x0**2 + x1**2 + x2**2", ["sgd"], start=(1.0, 1.0, 1.0), steps=5)
    with pytest.raises(InputError, match="has 3 variables: an animation can be drawn of one or two"):
        views.synchronised_race(record)


def test_views_need_neither_torch_nor_matplotlib_and_plots_leave_pyplot_alone() -> None:
    program = (
        "import sys, slalom.show.views as views\n"
        "assert not {'torch', 'matplotlib'} & set(sys.modules), 'views'\n"
        "import slalom.show.plots, slalom.show.animation\n"
        "assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules), 'plots'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
