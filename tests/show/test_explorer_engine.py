"""The explorer's engine in a real browser, against torch.optim, NumPy and the Python that it was written from."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from engine_pages import engine_page, numbers

import slalom
from slalom.core import Noise
from slalom.landscapes.catalogue import CATALOGUE, build
from slalom.optimizers import parse as parse_spec
from slalom.optimizers.rule import RULES
from slalom.show.explorer.engine import PAGE, engine_js

PLANE = [name for name, entry in CATALOGUE.items() if entry.dims[0] <= 2 <= entry.dims[1]]
COURSES = {
    "sphere": 0, "ellipse": 0, "rosenbrock": 0, "narrow-valley": 0, "beale": 1, "himmelblau": 1, "rastrigin": 0,
    "levy": 0, "branin": 0, "plateau": 0, "styblinski-tang": 0, "absolute": 0,
}  # fmt: skip
"""Where the rules are raced, from which of the landscape's starts: the first of some lies on a line of symmetry."""
STEPS = 200
NUDGE = 1e-13
CHAOTIC = 1e-10
"""A race is followed for as long as starts that differ by 1e-13 of their size stay together within this."""
RELATIVE = 1e-9

SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("sgd", {"lr": 0.002}),
    ("sgd", {"lr": 0.002, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
    ("momentum", {"lr": 0.001}),
    ("nesterov", {"lr": 0.001, "weight_decay": 0.02}),
    ("adagrad", {"lr": 0.3}),
    ("adagrad", {"lr": 0.3, "lr_decay": 0.05, "initial_accumulator_value": 0.5, "weight_decay": 0.01}),
    ("rmsprop", {"lr": 0.02}),
    ("rmsprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.01}),
    ("adadelta", {"lr": 1.0, "weight_decay": 0.01}),
    ("adam", {"lr": 0.05}),
    ("adam", {"lr": 0.05, "beta1": 0.8, "beta2": 0.97, "eps": 1e-6, "weight_decay": 0.1}),
    ("adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "amsgrad": True}),
    ("amsgrad", {"lr": 0.05}),
    ("adamw", {"lr": 0.05, "weight_decay": 0.1}),
    ("adamax", {"lr": 0.05, "weight_decay": 0.01}),
    ("nadam", {"lr": 0.05}),
    ("nadam", {"lr": 0.05, "momentum_decay": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("radam", {"lr": 0.05}),
    ("radam", {"lr": 0.05, "beta2": 0.9, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("rprop", {"lr": 0.01}),
    ("rprop", {"lr": 0.01, "eta_minus": 0.4, "eta_plus": 1.3, "step_size_min": 1e-4, "step_size_max": 1.0}),
    ("lion", {"lr": 0.01, "weight_decay": 0.1}),
    ("lion", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
)


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    yield from engine_page(browser)


def spec_of(rule: str, h: dict[str, Any], page: Any) -> str:
    """Return the spec of the real class with these hyperparameters; pairs such as betas are put together again."""
    card = page.evaluate(
        "rule => plain({pairs: slalom.rules[rule].pairs, all: slalom.settings(slalom.rules[rule])})", rule
    )
    values = dict(h)
    for option, names in card["pairs"].items():
        if any(name in values for name in names):
            values[option] = "(" + ",".join(repr(float(values.pop(name, card["all"][name]))) for name in names) + ")"
    return f"{rule}:" + ",".join(f"{name}={value}" for name, value in values.items())


# -- rules -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COURSES)
def test_every_rule_moves_as_its_torch_class_until_rounding_decides(page: Any, name: str) -> None:
    start = CATALOGUE[name].starts[COURSES[name]]
    nudged = tuple(coordinate * (1 + NUDGE) for coordinate in start)
    specs = [spec_of(rule, h, page) for rule, h in SETTINGS]
    race = slalom.race(name, specs, starts=[start, nudged], steps=STEPS, engine="field")
    real = race.paths.reshape(len(SETTINGS), 2, STEPS + 1, 2)
    runners = [{"rule": rule, "h": h} for rule, h in SETTINGS]
    request = {"landscape": name, "start": start, "runners": runners, "steps": STEPS}
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    followed, worst = [], 0.0
    for index, spec in enumerate(specs):
        mine = numbers(drawn["paths"][index]).reshape(STEPS + 1, 2)
        size = np.maximum.accumulate(np.abs(real[index, 0]).max(axis=1))
        apart = np.abs(real[index, 0] - real[index, 1]).max(axis=1) / size
        with np.errstate(invalid="ignore"):
            calm = np.logical_and.accumulate(apart <= CHAOTIC)
            error = np.abs(mine - real[index, 0]).max(axis=1) / size
        assert (error[calm] <= RELATIVE).all(), (spec, int(np.argmax(error > RELATIVE)), np.nanmax(error[calm]))
        followed.append(calm.mean())
        worst = max(worst, error[calm].max())
    print(f"{name}: largest relative error {worst:.1e}, {np.mean(followed):.1%} of the steps followed")
    assert np.mean(followed) > 0.75, dict(zip(specs, followed, strict=True))


def test_every_rule_of_the_catalogue_is_in_the_page_with_its_defaults_inside_its_sliders(page: Any) -> None:
    cards = page.evaluate("() => plain(slalom.rules)")
    assert {card["path"] for card in cards.values()} == set(RULES)
    assert set(cards) == {rule for rule, _ in SETTINGS}
    for card in cards.values():
        for slider in card["hyperparameters"].values():
            assert slider["scale"] == "flag" or slider["low"] <= slider["value"] <= slider["high"]
        assert set(card["switches"]) <= set(card["hyperparameters"])


@pytest.mark.parametrize(("rule", "entry", "part"), [
    ("adam", "exp_avg", "momenta"), ("adam", "exp_avg_sq", "seconds"), ("adagrad", "sum", "seconds"),
    ("momentum", "momentum_buffer", "momenta"), ("adamax", "exp_inf", "seconds"),
])  # fmt: skip
def test_the_inside_of_a_step_is_the_state_of_the_real_optimizer(page: Any, rule: str, entry: str, part: str) -> None:
    request = {"landscape": "beale", "start": [1.0, 1.0], "steps": 20, "runners": [{"rule": rule, "h": {"lr": 0.01}}]}
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    point = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = parse_spec(f"{rule}:lr=0.01").make([point])
    course = build("beale", {})
    inside, gradients = numbers(drawn[part][0]).reshape(21, 2), numbers(drawn["gradients"][0]).reshape(21, 2)
    assert (inside[0] == 0).all()
    for step in range(1, 21):
        optimizer.zero_grad()
        course.function(*point.unbind()).backward()
        before = point.detach().clone()
        optimizer.step()
        assert point.grad is not None
        np.testing.assert_allclose(gradients[step], point.grad.numpy(), rtol=1e-11)
        np.testing.assert_allclose(inside[step], optimizer.state[point][entry].numpy(), rtol=1e-11)
        moved = numbers(drawn["updates"][0])[2 * step : 2 * step + 2]
        np.testing.assert_allclose(moved, (point.detach() - before).numpy(), rtol=1e-9, atol=1e-15)


def test_momentum_that_is_off_is_not_shown(page: Any) -> None:
    request = {"landscape": "sphere", "start": [1, 1], "steps": 3, "runners": [{"rule": "sgd"}, {"rule": "rprop"}]}
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    assert drawn["momenta"] == [None, None]
    assert drawn["seconds"] == [None, None]


def test_a_runner_that_diverges_is_dated_and_blank_as_in_python(page: Any) -> None:
    race = slalom.race("rosenbrock", ["sgd:lr=0.01", "adam:lr=0.01"], start=(-1.2, 1.0), steps=60, engine="field")
    runners = [{"rule": "sgd", "h": {"lr": 0.01}}, {"rule": "adam", "h": {"lr": 0.01}}]
    request = {"landscape": "rosenbrock", "start": [-1.2, 1.0], "steps": 60, "runners": runners}
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    assert drawn["divergedAt"] == race.trajectories.diverged_at.tolist()
    assert drawn["divergedAt"][0] > 0
    for index in (0, 1):
        assert (np.isnan(numbers(drawn["losses"][index])) == np.isnan(race.losses[index])).all()
        assert (np.isnan(numbers(drawn["paths"][index]).reshape(61, 2)) == np.isnan(race.paths[index])).all()


# -- landscapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANE)
def test_a_landscape_has_the_values_gradients_and_facts_of_its_python(page: Any, name: str) -> None:
    course = build(name, {"dim": 2} if CATALOGUE[name].any_dim else {})
    low, high = np.array(course.domain).T
    points = np.random.default_rng(3).uniform(low, high, (60, 2))
    got = page.evaluate("""([name, points]) => {
        const {f, g, ...facts} = slalom.landscapes[name], out = [0, 0];
        return plain({facts, values: points.map(([x, y]) => f(x, y)),
                      slopes: points.map(([x, y]) => [g(x, y, out), out[0], out[1]])});
    }""", [name, points.tolist()])  # fmt: skip
    values = course.values(points)
    np.testing.assert_allclose(numbers(got["values"]), values, rtol=1e-11, atol=1e-11)
    slopes = numbers(got["slopes"])
    assert (slopes[:, 0] == numbers(got["values"])).all()
    rows = torch.tensor(points.T, requires_grad=True)
    course.function(*rows.unbind()).sum().backward()
    assert rows.grad is not None
    np.testing.assert_allclose(
        slopes[:, 1:], rows.grad.T.numpy(), rtol=1e-10, atol=1e-10 * float(rows.grad.abs().max())
    )
    facts = got["facts"]
    assert facts["title"] == course.title
    assert facts["starts"] == [list(start) for start in course.starts]
    assert facts["domain"] == [list(interval) for interval in course.domain]
    assert [tuple(minimum["point"]) for minimum in facts["minima"]] == [minimum.point for minimum in course.minima]


# -- noise -------------------------------------------------------------------------------------------------------------


def test_noise_is_numpys_to_the_last_bit(page: Any) -> None:
    seeds = [*range(8), 12345, 2**31, 2**52 + 1]
    rows = page.evaluate("seeds => seeds.map(seed => Array.from(slalom.noise.rows(seed, 1000)).slice(0, 2000))", seeds)
    for seed, mine in zip(seeds, rows, strict=True):
        assert (np.array(mine).reshape(1000, 2) == Noise(1.0).rows(seed, 1, 1000, 2)).all()


def test_noise_does_not_depend_on_how_many_steps_were_drawn_before(page: Any) -> None:
    few, many = page.evaluate("""() => [slalom.noise.rows(77, 10), slalom.noise.rows(77, 700)].map(
        rows => Array.from(rows).slice(0, 20))""")
    assert few == many


def test_a_noisy_race_is_the_one_that_python_runs(page: Any) -> None:
    race = slalom.race("himmelblau", "adam:lr=0.05", start=(0.0, 0.0), steps=300, noise=2.0, seed=5, engine="field")
    runner = {"rule": "adam", "h": {"lr": 0.05}}
    request = {
        "landscape": "himmelblau", "start": [0.0, 0.0], "steps": 300, "runners": [runner],
        "noise": {"sd": 2.0, "seed": 5},
    }  # fmt: skip
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    np.testing.assert_allclose(numbers(drawn["paths"][0]).reshape(301, 2), race.paths[0], rtol=1e-9, atol=1e-9)


# -- sweeps and basins -------------------------------------------------------------------------------------------------


def test_a_sweep_of_learning_rates_ends_where_single_races_end(page: Any) -> None:
    rates = [1e-4, 1e-3, 3e-3, 1e-1, 10.0]
    request = {
        "landscape": "rosenbrock",
        "start": [-1.2, 1.0],
        "rule": "momentum",
        "h": {},
        "steps": 50,
        "rates": rates,
    }
    ends = numbers(page.evaluate("request => plain(slalom.sweep(request))", request))
    for rate, end in zip(rates, ends, strict=True):
        race = slalom.race("rosenbrock", f"momentum:lr={rate}", start=(-1.2, 1.0), steps=50, engine="field")
        np.testing.assert_allclose(end, race.losses[0, -1], rtol=1e-9)
    assert math.isnan(ends[-1])


BASINS = {
    "landscape": "himmelblau", "runner": {"rule": "momentum", "h": {"lr": 0.002}}, "steps": 400, "grid": [9, 7],
    "box": [[-6, 6], [-5, 5]],
}  # fmt: skip


def test_basins_are_those_of_pythons_sweep_over_starts(page: Any) -> None:
    drawn = page.evaluate("request => plain(slalom.basins(request))", BASINS)
    x, y = np.meshgrid(np.linspace(-6, 6, 9), np.linspace(-5, 5, 7))
    starts = np.stack([x.ravel(), y.ravel()], axis=1)
    race = slalom.race("himmelblau", "momentum:lr=0.002", starts=starts.tolist(), steps=400, engine="field")
    np.testing.assert_allclose(numbers(drawn["points"]).reshape(-1, 2), race.paths[:, -1], rtol=1e-6, atol=1e-6)
    minima = np.array([minimum.point for minimum in race.course.minima])
    nearest = ((race.paths[:, -1, None] - minima) ** 2).sum(axis=2).argmin(axis=1)
    diverged = ~np.isfinite(race.losses[:, -1])
    low = np.array([status.kind == "converged" for status in race.statuses])
    expected = np.where(diverged, -2, np.where(low, nearest, -1))
    assert drawn["reached"] == expected.tolist()
    for status, metrics, arrived in zip(race.statuses, race.metrics, drawn["arrivedAt"], strict=True):
        assert arrived == (metrics.settles if status.kind == "converged" else -1)
    assert len(set(drawn["reached"])) > 2


def test_the_pages_worker_gives_the_same_basins_from_coarse_to_fine(page: Any) -> None:
    script = (PAGE / "workers.js").read_text(encoding="utf-8")
    main = re.search(r"^function workerMain\(\) \{.*?^\}", script, re.DOTALL | re.MULTILINE)
    assert main is not None
    grids = [[9, 7], [90, 50]]
    request = {"task": "basins", "id": 1, **BASINS, "course": {"text": "himmelblau", "named": True}, "grids": grids}
    answers = page.evaluate("""([text, request]) => new Promise((resolve, reject) => {
        const worker = new Worker(URL.createObjectURL(new Blob([text], {type: "text/javascript"}))), answers = [];
        worker.onerror = event => reject(event.message);
        worker.onmessage = ({data}) => {
            answers.push({grid: data.grid, reached: Array.from(data.reached), done: data.done});
            if (data.done) { worker.terminate(); resolve(answers); }
        };
        worker.postMessage(request);
    })""", [f"{engine_js()}\n({main[0]})();", request])  # fmt: skip
    assert [answer["grid"] for answer in answers] == grids
    assert [answer["done"] for answer in answers] == [False, True]
    for answer in answers:
        alone = {**BASINS, "grid": answer["grid"]}
        assert answer["reached"] == page.evaluate("request => Array.from(slalom.basins(request).reached)", alone)


# -- the text ----------------------------------------------------------------------------------------------------------


def test_the_engine_is_small_and_knows_neither_page_nor_code_made_of_text() -> None:
    text = engine_js()
    assert len(text.encode()) < 200_000
    for word in ("document", "window", "innerHTML", "eval", "Function", "fetch", "XMLHttpRequest", "import"):
        assert not re.search(rf"(?<![\w\"]){word}(?![\w\"])\s*[(.]", text), word
    assert "</script" not in text.lower()
    assert "http://" not in text
    assert "https://" not in text


def test_six_optimizers_make_a_thousand_steps_between_two_frames(page: Any) -> None:
    """The figures are printed (pytest -rP); what is asserted is that the races were complete."""
    times, last = page.evaluate("""() => {
        const names = ["sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw"], times = [];
        let race;
        for (let k = 0; k < 50; k++) {
            const before = performance.now();
            race = slalom.race({landscape: "rosenbrock", start: [-1.2, 1 + k / 1000], steps: 1000,
                                runners: names.map(rule => ({rule, h: {lr: 0.001}}))});
            times.push(performance.now() - before);
        }
        return [times, race.losses.map(losses => losses[1000])];
    }""")
    print(f"median {statistics.median(times):.2f} ms, 95th percentile {sorted(times)[47]:.2f} ms")
    assert len(last) == 6
    assert all(math.isfinite(loss) for loss in last)
