"""What the demonstration saw: sentences computed from its runs. Where a run shows otherwise, the sentence says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slalom.lab.record import Race
from slalom.show.views.words import number

STRAIGHT = 0.999
"""Straightness from which a path counts as a straight line."""


@dataclass(frozen=True)
class Observation:
    """A heading, what was seen, and the run's name that it is about."""

    heading: str
    text: str
    about: str


def observe(classics: Race, variants: Race, bouncing: Race) -> list[Observation]:
    """Return what the six classics, SGD's variants and SGD at learning rate 1 did."""
    return [
        straight_line(classics, "SGD"),
        bounce(bouncing, bouncing.runners[0].name),
        shrinking_steps(classics, "Adagrad"),
        one_coordinate_first(classics, "RMSprop"),
        nearby_path(classics, "Adadelta", "Adagrad"),
        swings(classics, "Adam"),
        compare_siblings(classics, "AdamW", "Adam"),
        fastest_variant(variants),
        leavers(classics),
    ]


def straight_line(race: Race, name: str) -> Observation:
    """Whether a runner goes straight to the minimum."""
    metrics = race.metrics[_find(race, name)]
    straight = metrics.straightness is not None and metrics.straightness >= STRAIGHT and metrics.turns == 0
    arrival = "does not settle" if metrics.settles is None else f"settles at step {metrics.settles:,}"
    shape = "A straight line, and no turn" if straight else "Not a straight line"
    return Observation(
        f"{name} {'goes straight' if straight else 'does not go straight'}",
        f"{shape}: straightness {metrics.straightness or 0:.3f}, {metrics.turns:,} turns over a path of "
        f"{metrics.length_until_settled:.4g}. It {arrival}: its learning rate "
        f"{'fits' if straight and metrics.settles is not None else 'does not fit'} this function.",
        name,
    )


def bounce(race: Race, name: str) -> Observation:
    """Whether a runner jumps back and forth across the minimum without getting anywhere."""
    index = _find(race, name)
    losses, path = race.losses[index], race.paths[index]
    turns, steps = race.metrics[index].turns, race.steps
    stuck = bool(np.ptp(losses) <= 1e-9 * losses[0]) and turns == path.shape[1] * (steps - 1)
    if not stuck:
        return Observation(
            f"{name} does not bounce for ever",
            f"In {steps:,} steps the loss goes from {losses[0]:.4g} to {losses[-1]:.4g}, with {turns:,} turns.",
            name,
        )
    return Observation(
        f"{name} bounces without progress",
        f"At a learning rate of {race.runners[index].optimizer.hyperparameters['lr']:g} every step ends on the other "
        f"side of the minimum, at {_point(path[1])} and back at {_point(path[2])}: after {steps:,} steps and {turns:,} "
        f"turns the loss is still {losses[-1]:,.4g}.",
        name,
    )


def shrinking_steps(race: Race, name: str) -> Observation:
    """Whether a runner's steps shrink until it crawls, and how long it needs."""
    index = _find(race, name)
    lengths, metrics = race.step_lengths[index], race.metrics[index]
    late = min(1000, race.steps) - 1
    shrank = lengths[late] < 0.1 * lengths[0]
    arrival = (
        f"it has not settled after {race.steps:,} steps"
        if metrics.settles is None
        else f"it needs {metrics.settles:,} steps to settle"
    )
    return Observation(
        f"{name}'s steps {'start large and shrink until it crawls' if shrank else 'do not shrink to a crawl'}",
        f"Its first step is {lengths[0]:.3g} long, its {late + 1:,}th {lengths[late]:.2g}"
        f"{f' ({lengths[0] / lengths[late]:,.0f} times shorter)' if shrank else ''}; {arrival}.",
        name,
    )


def one_coordinate_first(race: Race, name: str) -> Observation:
    """Whether a runner finishes one coordinate before the other, and whether it stays.

    A coordinate is finished where its square, its share of the loss x² + y², is below the tolerance: so the later of
    the two is finished when the runner settles, and not at another step.
    """
    index = _find(race, name)
    path, metrics = race.paths[index], race.metrics[index]
    arrivals = [_first_below(path[:, axis] ** 2, race.tolerance) for axis in (0, 1)]
    x_at, y_at = arrivals
    y_first = y_at is not None and (x_at is None or y_at < x_at)
    close = race.tolerance**0.5
    order = (
        f"It brings y to within {close:g} of 0 at step {y_at:,}, while x is still {number(float(path[y_at, 0]))}; then "
        "it moves along x."
        if y_first and y_at is not None
        else " ".join(
            f"{letter} {'never comes' if at is None else 'comes'} within {close:g} of 0"
            + (";" if at is None else f" at step {at:,};")
            for letter, at in zip("xy", arrivals, strict=True)
        ).removesuffix(";")
        + "."
    )
    if metrics.gone_from is not None:
        tail = np.linalg.norm(path[-1000:], axis=1).max()
        end = (
            f" It settles at step {metrics.settles:,}, but leaves at step {metrics.gone_from:,}, flies out to "
            f"a loss of {max(e.gap for e in metrics.excursions):.3g}, and never settles again: at the end it circles "
            f"within {tail:.2g} of the minimum."
        )
    else:
        stays = "and stays" if not metrics.excursions else "and comes back each time that it leaves"
        settled = "does not settle" if metrics.settles is None else f"settles at step {metrics.settles:,} {stays}"
        end = f" It {settled}."
    heading = f"{name} {'brings y to 0 first, then moves along x' if y_first else 'does not finish y first'}"
    return Observation(heading, order + end, name)


def nearby_path(race: Race, name: str, other: str) -> Observation:
    """How close one runner's path lies to another's, as curves, whatever the speed."""
    path, reference = race.paths[_find(race, name)], race.paths[_find(race, other)]
    distance = _largest_distance(path, reference)
    length = race.metrics[_find(race, name)].length_until_settled
    share = distance / length
    steps = [race.metrics[_find(race, runner)].settles for runner in (name, other)]
    pace = ""
    if steps[0] is not None and steps[1] is not None:
        sooner = "sooner" if steps[0] < steps[1] else "later"
        pace = (
            f" It travels it at another pace: it settles {abs(steps[0] - steps[1]):,} steps {sooner}, at {steps[0]:,} "
            f"instead of {steps[1]:,}."
        )
    return Observation(
        f"{name}'s path lies {'close to' if share < 0.02 else 'apart from'} {other}'s",
        f"No point of it is farther than {distance:.3g} from {other}'s path, {100 * share:.2g} % of its length of "
        f"{length:.4g}.{pace}",
        name,
    )


def swings(race: Race, name: str, axis: int = 1) -> Observation:
    """Whether a runner swings across the minimum in ever smaller swings."""
    index = _find(race, name)
    settles = race.metrics[index].settles
    until = settles or race.steps
    values = race.paths[index, : until + 1, axis]
    steps = np.diff(values)
    peaks = np.abs(values[1:-1][np.sign(steps[1:]) != np.sign(steps[:-1])])
    shrinking = len(peaks) > 1 and bool((np.diff(peaks) < 0).all())
    letter = "xy"[axis]
    shown = ", ".join(f"{peak:.2g}" for peak in peaks[:5])
    when = f"Before it settles at step {until:,}" if settles else f"Within {until:,} steps"
    return Observation(
        f"{name} {'swings like a ball, and its swings shrink' if shrinking else 'does not swing in shrinking swings'}",
        f"{when}, {letter} turns {len(peaks)} times, at distances from the minimum of "
        f"{shown}{' …' if len(peaks) > 5 else ''}.",
        name,
    )


def compare_siblings(race: Race, name: str, other: str) -> Observation:
    """How much shorter and sooner one runner is than another."""
    mine, theirs = race.metrics[_find(race, name)], race.metrics[_find(race, other)]
    shorter = 1 - mine.length_until_settled / theirs.length_until_settled
    text = (
        f"Its path is {100 * abs(shorter):.2g} % {'shorter' if shorter > 0 else 'longer'} "
        f"({mine.length_until_settled:.4g} against {theirs.length_until_settled:.4g}), with {mine.turns} turns instead "
        f"of {theirs.turns}"
    )
    if mine.settles is not None and theirs.settles is not None:
        sooner = theirs.settles - mine.settles
        when = "sooner" if sooner > 0 else "later"
        text += f", and it settles {abs(sooner)} steps {when} ({mine.settles:,} against {theirs.settles:,})"
    better = shorter > 0 and (mine.settles or race.steps) < (theirs.settles or race.steps)
    return Observation(
        f"{name} swings too, {'but on a shorter way' if better else 'and not on a shorter way'}", f"{text}.", name
    )


def fastest_variant(race: Race) -> Observation:
    """Which of a set of variants settles first, and what the others do."""
    order = sorted(range(len(race.runners)), key=lambda k: race.metrics[k].settles or np.inf)
    settled = [k for k in order if race.metrics[k].settles is not None]
    told = ", ".join(
        f"{race.runners[k].name} at {race.metrics[k].settles:,} ({race.metrics[k].turns} turns)" for k in settled
    )
    never = [race.runners[k].name for k in order if k not in settled]
    rest = f"; {' and '.join(never)} not within {race.steps:,} steps" if never else ""
    first = race.runners[order[0]].name
    plain = next((k for k in order if not race.runners[k].optimizer.hyperparameters.get("momentum")), None)
    moral = (
        " On a bowl as round as this one, momentum carries SGD past the minimum; a ravine is where it pays."
        if plain == order[0] and settled
        else ""
    )
    return Observation(f"{first} is the first of SGD's variants", f"Settled: {told or 'none'}{rest}.{moral}", first)


def leavers(race: Race) -> Observation:
    """Who settles and leaves the minimum again later."""
    told = []
    for runner, metrics in zip(race.runners, race.metrics, strict=True):
        if not metrics.excursions:
            continue
        first = metrics.excursions[0]
        if first.length is None:  # and so it is the last
            told.append(f"{runner.name} leaves at step {first.step:,} for ever")
        else:
            also = f", and again at {metrics.excursions[1].step:,}" if len(metrics.excursions) > 1 else ""
            told.append(
                f"{runner.name} is thrown out at step {first.step:,} for {first.length} steps, up to a loss of "
                f"{first.gap:.2g}{also} ({metrics.steps_away} steps outside in all)"
            )
    if not told:
        return Observation("Nobody leaves the minimum again", f"In {race.steps:,} steps all who settled stayed.", "")
    names = " and ".join(_leaver_names(race))
    return Observation(f"{names} leave the minimum again", "; ".join(told) + "." + _reason(race), "")


def _reason(race: Race) -> str:
    """Why: how far a leaver's step per unit of gradient had grown between settling and leaving."""
    for index, (runner, metrics) in enumerate(zip(race.runners, race.metrics, strict=True)):
        if not metrics.excursions or metrics.settles is None or metrics.excursions[0].length is None:
            continue
        leaves = metrics.excursions[0].step
        norms, lengths = race.gradient_norms[index], race.step_lengths[index]
        early, late = (float(lengths[k] / norms[k]) for k in (metrics.settles, leaves - 1))
        quiet = int(np.argmin(norms[metrics.settles : leaves])) + metrics.settles
        if late > 3 * early:
            return (
                f" Why: the squared gradients that divide its step fade, so {runner.name}'s step for each unit of "
                f"gradient grows, from {early:.2g} at step {metrics.settles:,} to {late:.2g} at step {leaves - 1:,}. "
                f"Then its steps overshoot by more and more, from a gradient of {norms[quiet]:.0e} at step "
                f"{quiet:,} to one of {norms[leaves]:.2g} at step {leaves:,}."
                " The first hundred steps show nothing of it."
            )
    return ""


def _leaver_names(race: Race) -> list[str]:
    names = [r.name for r, m in zip(race.runners, race.metrics, strict=True) if m.excursions]
    return [", ".join(names[:-1]), names[-1]] if len(names) > 2 else names


def _find(race: Race, name: str) -> int:
    return next(index for index, runner in enumerate(race.runners) if runner.name == name)


def _first_below(values: np.ndarray, close: float) -> int | None:
    below = values < close
    return int(np.argmax(below)) if below.any() else None


def _point(values: np.ndarray) -> str:
    return f"({', '.join(f'{value:.6g}' for value in values)})".replace("-", "−")


def _largest_distance(path: np.ndarray, reference: np.ndarray) -> float:
    """Return how far the points of ``path`` [N, D] get from the polyline through ``reference`` [M, D]."""
    corners = _thinned(reference)
    if len(corners) == 1:  # it never moved: its path is a point
        corners = np.concatenate([corners, corners])
    starts, spans = corners[:-1], np.diff(corners, axis=0)
    squares = np.maximum((spans**2).sum(axis=1), np.finfo(float).tiny)
    largest = 0.0
    for point in _thinned(path):
        along = np.clip(((point - starts) * spans).sum(axis=1) / squares, 0.0, 1.0)
        nearest = starts + along[:, None] * spans
        largest = max(largest, float(np.sqrt(((point - nearest) ** 2).sum(axis=1).min())))
    return largest


def _thinned(path: np.ndarray, share: float = 1e-4) -> np.ndarray:
    """Leave out points that lie closer than ``share`` of the path's extent to the last one kept."""
    spacing = share * float(np.ptp(path, axis=0).max())
    kept: list[np.ndarray] = [path[0]]
    for point in path[1:]:
        if float(np.hypot(*(point - kept[-1]))) > spacing:
            kept.append(point)
    return np.array(kept)
