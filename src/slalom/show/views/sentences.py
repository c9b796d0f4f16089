"""The sentence at the top of a picture: the most telling facts of a race, computed from its runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slalom.core import RaceRecord
from slalom.show.views.groups import Group, diverged, ends_early, failed, groups, metrics_of
from slalom.show.views.words import count, fixed, listing, number, share, three

KIN = (
    ("adam", "adamw", 2.75),
    ("sgd", "momentum", 2.7),
    ("momentum", "nesterov", 2.7),
    ("adam", "amsgrad", 2.6),
    ("adam", "nadam", 2.6),
    ("adam", "radam", 2.5),
    ("rmsprop", "adam", 2.3),
    ("adagrad", "adadelta", 2.3),
)
"""Optimizers of which the second changes one thing in the first, and how much their comparison teaches."""


@dataclass(frozen=True)
class Fact:
    """A sentence with how telling it is, and the optimizers that it is about."""

    weight: float
    text: str
    about: tuple[str, ...] = ()


def sentence(record: RaceRecord, most: int = 2) -> str:
    """Return up to ``most`` sentences that say what to see in this race, the most telling facts first."""
    field = groups(record)
    facts = _several(record, field) if len(record.runners) > len(field) else _single(record, field)
    chosen: list[Fact] = []
    told: set[str] = set()
    for fact in sorted(facts, key=lambda fact: -fact.weight):
        if fact.about and told.issuperset(fact.about):
            continue
        chosen.append(fact)
        told.update(fact.about)
        if len(chosen) == most:
            break
    return " ".join(fact.text for fact in chosen)


def sentence_alone(record: RaceRecord, group: Group, most: int = 2) -> str:
    """Return up to ``most`` sentences about a single runner."""
    return " ".join(fact.text for fact in _alone(record, group)[:most])


def _single(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Return the facts of a race with one runner per optimizer."""
    if len(field) == 1:
        return _alone(record, field[0])
    facts = _failure(record, field) + _divergence(record, field) + _departure(record, field)
    settled = {group.name: record.metrics[group.typical].settles for group in field}
    arrived = sorted(((step, name) for name, step in settled.items() if step is not None), key=lambda one: one[0])
    if not arrived:
        return facts + _closest(record, field)
    facts += _kin(record, field)
    facts.append(_first(arrived, len(field)))
    open_ = [group for group in field if settled[group.name] is None and not ends_early(record, group.typical)]
    late = tuple(group.name for group in open_ if record.metrics[group.typical].stays_from is not None)
    never = tuple(group.name for group in open_ if group.name not in late)
    if late:
        text = f"{listing(late)} {'gets' if len(late) == 1 else 'get'} there too late to have settled by the end."
        facts.append(Fact(2.8, text, late))
    if never and len(arrived) > 1:
        verb = "does" if len(never) == 1 else "do"
        facts.append(Fact(2.8, f"{listing(never)} {verb} not settle within {record.steps:,} steps.", never))
    return facts


def _first(arrived: list[tuple[int, str]], runners: int) -> Fact:
    """Tell who settles first, from the sorted (step, name) of those that do."""
    first, name = arrived[0]
    if arrived[-1][0] == 0 and len(arrived) == runners:
        return Fact(3.5, "Every runner starts at the minimum.")
    if len(arrived) == 1:
        return Fact(3.2, f"Only {name} settles, at step {first:,}.", (name,))
    later, second = arrived[1]
    if later == first:
        tied = tuple(one for step, one in arrived if step == first)
        return Fact(2.9, f"{listing(tied)} settle first, at step {first:,}.", tied)
    return Fact(2.9, f"{name} settles first, at step {first:,}; {second} follows at {later:,}.", (name, second))


def _divergence(record: RaceRecord, field: list[Group]) -> list[Fact]:
    gone = [(diverged(record, group.typical), group.name) for group in field]
    lost = [(step, name) for step, name in gone if step is not None]
    if not lost:
        return []
    names = tuple(name for _, name in lost)
    if len(lost) == 1:
        return [Fact(4.0, f"{names[0]} diverges at step {lost[0][0]:,}.", names)]
    return [Fact(4.0, f"{listing(names)} diverge.", names)]


def _failure(record: RaceRecord, field: list[Group]) -> list[Fact]:
    told = [(failed(record, group.typical), group.name) for group in field]
    lost = [(step, name) for step, name in told if step is not None]
    names = tuple(name for _, name in lost)
    if not lost:
        return []
    if len(lost) == 1:
        return [Fact(4.1, f"{names[0]} fails after step {lost[0][0]:,}.", names)]
    return [Fact(4.1, f"{listing(names)} fail.", names)]


def _departure(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Tell of runners that settle and leave again: for ever first, then those that come back."""
    facts = []
    back = []
    for group in field:
        metrics = record.metrics[group.typical]
        if metrics.leaves is None or ends_early(record, group.typical):
            continue
        if metrics.gone_from is not None:
            when = f"{metrics.gone_from:,}"
            text = f"{group.name} settles, but leaves at step {when} and is never at rest again."
            facts.append(Fact(3.0, text, (group.name,)))
        else:
            back.append((metrics.leaves, group.name))
    if back:
        leaves, name = back[0]
        gap = "f* − f" if record.maximizes else "f − f*"
        text = f"{name} is thrown out again at step {leaves.step:,}, up to {gap} = {number(leaves.gap, 2)}."
        if len(back) > 1:
            steps = sorted(excursion.step for excursion, _ in back)
            who = listing([name for _, name in back])
            text = f"{who} are thrown out again later, first at step {steps[0]:,}."
        facts.append(Fact(2.2, text, tuple(name for _, name in back)))
    return facts


def _kin(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Compare the close relatives in the field: who settles sooner, and on how much shorter a path."""
    by_family = {group.family: group for group in reversed(field)}
    facts = []
    for one, other, weight in KIN:
        if one not in by_family or other not in by_family:
            continue
        pair = [by_family[one], by_family[other]]
        metrics = [record.metrics[group.typical] for group in pair]
        steps = [entry.settles for entry in metrics]
        if steps[0] is None or steps[1] is None or max(steps) == 0:  # type: ignore[type-var]
            continue
        fast, slow = (0, 1) if steps[0] <= steps[1] else (1, 0)
        sooner = 1 - (steps[fast] or 0) / max(steps[slow] or 1, 1)
        ratio = metrics[fast].length_until_settled / max(metrics[slow].length_until_settled, 1e-300)
        if sooner < 0.02:
            text = f"{pair[fast].name} and {pair[slow].name} settle together, near step {steps[fast]:,}"
        else:
            text = f"{pair[fast].name} settles {share(sooner)} sooner than {pair[slow].name}"
        change = "" if abs(ratio - 1) < 0.005 else share(abs(1 - ratio)) + (" shorter" if ratio < 1 else " longer")
        if change and ratio < 10:
            text += f", on a path {change}"
        names = (pair[fast].name, pair[slow].name)
        facts.append(Fact(weight + min(0.4, 2 * sooner), text + ".", names))
    return sorted(facts, key=lambda fact: -fact.weight)[:1]


def _closest(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Return which run ends nearest to f* in a race that none finished: the best final value of the table."""
    sign = -1.0 if record.maximizes else 1.0
    ends = [
        (sign * float(record.losses[k, -1]), index, k)
        for index, group in enumerate(field)
        for k in group.runners
        if not ends_early(record, k)
    ]
    if not ends:
        gone = all(diverged(record, k) is not None for k in range(len(record.runners)))
        return [Fact(3.0, "Every run diverges." if gone else "No run reaches the end: each diverges or fails.")]
    _, index, k = min(ends)
    several = len(record.runners) > len(field)
    name = f"the best run of {field[index].name}" if several else field[index].name
    way = ("highest" if record.maximizes else "lowest") if not record.minimum_is_known else "closest"
    if record.minimum is None:
        broken = any(failed(record, k) is not None for k in range(len(record.runners)))
        others = " of the runs that reach the end" if broken else " of the runs that do not diverge"
        lasting = others if len(ends) < len(record.runners) else ""
        return [Fact(4.5, f"{_boundless(record)}; {name} ends {way}{lasting}, {_end(record, k)}.", ())]
    if _is_short(record):
        text = f"In {_too_few(record)}, {name} ends {way}, {_end(record, k)}"
    else:
        text = f"None settles within {record.steps:,} steps; {name} ends {way}, {_end(record, k)}"
    return [Fact(3.5, f"{text}{_since(record, k)}.", (field[index].name,)), *_stuck(record, field)]


def _boundless(record: RaceRecord) -> str:
    return f"The function {'rises' if record.maximizes else 'falls'} without bound, so no run settles"


def _is_short(record: RaceRecord) -> bool:
    """Return whether a race is too short for any run to settle."""
    return record.steps + 1 < record.patience


def _too_few(record: RaceRecord) -> str:
    return f"{count(record.steps, 'step')}, too few to settle (that takes {record.patience})"


def _end(record: RaceRecord, k: int) -> str:
    """Return where a run that lasted ended: ``"0.52 above the minimum"``."""
    gap, value = record.metrics[k].final_gap, float(record.losses[k, -1])
    if gap is None:
        return f"at f = {three(value)}"
    if not record.minimum_is_known:
        best = f"the {'highest' if record.maximizes else 'lowest'} value seen"
        if gap <= 0:
            return f"at {best}, f = {three(value)}"
        return f"{three(gap)} {'below' if record.maximizes else 'above'} {best}"
    return f"{three(gap)} above the minimum" if gap > 0 else "exactly at the minimum" if gap == 0 else "at the minimum"


def _since(record: RaceRecord, k: int) -> str:
    """Return since when a run that has not settled has been near enough: nothing where it is not."""
    since = record.metrics[k].stays_from
    if since is None or not record.minimum_is_known:
        return ""
    return f", within {number(record.tolerance)} of it from step {since:,} on"


def _stuck(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Tell who came to rest away from the minimum: the trap of a landscape with many."""
    names = []
    for group in field:
        k = group.typical
        tail = record.step_lengths[k][-max(1, record.steps // 50) :]
        gap = record.metrics[k].final_gap
        scale = float(np.nansum(record.step_lengths[k]))
        if gap is not None and gap > record.tolerance and float(tail.max()) < 1e-6 * max(scale, 1e-300):
            names.append(group.name)
    if not names or not record.minimum_is_known:
        return []
    verb = "comes" if len(names) == 1 else "come"
    return [Fact(3.2, f"{listing(names)} {verb} to rest elsewhere.", tuple(names))]


def _alone(record: RaceRecord, group: Group) -> list[Fact]:
    """Return the facts about a single runner."""
    k = group.typical
    metrics, name = record.metrics[k], group.name
    if failed(record, k) is not None:
        return [Fact(4.1, f"{name} fails after step {failed(record, k):,}.", ())]
    if diverged(record, k) is not None:
        return [Fact(4.0, _lost_alone(record, group), ())]
    facts = []
    if metrics.settles is not None:
        turns = count(metrics.turns, "turn") if metrics.turns < 13 else f"{metrics.turns:,} turns"
        text = f"{name} settles at step {metrics.settles:,}, after a path of {fixed(metrics.length_until_settled)}"
        if metrics.straightness:
            longer = 1 / metrics.straightness - 1
            how = "straight there" if longer < 0.005 else f"{share(longer)} longer than the straight line"
            text += f", {how}"
        facts.append(Fact(3.5, f"{text}, with {turns}.", ()))
    else:
        facts.append(Fact(3.5, _unsettled_alone(record, name, k), ()))
    for fact in _departure(record, [group]):
        told = fact.text.replace(f"{name} settles, but leaves", "It leaves again").replace(f"{name} is", "It is")
        facts.append(Fact(3.0, told))
    return facts


def _lost_alone(record: RaceRecord, group: Group) -> str:
    k = group.typical
    metrics = record.metrics[k]
    text = f"{group.name} diverges at step {diverged(record, k):,}"
    if record.minimum is None:
        return f"{text}: the function {'rises' if record.maximizes else 'falls'} without bound."
    if metrics.settles is not None:
        return f"{text}, after settling at step {metrics.settles:,}."
    if not record.minimum_is_known or metrics.best_gap is None or not metrics.best_step:
        return f"{text}."
    if metrics.best_gap <= 0:
        return f"{text}, after reaching the minimum at step {metrics.best_step:,}."
    return f"{text}, after coming within {three(metrics.best_gap)} of the minimum."


def _unsettled_alone(record: RaceRecord, name: str, k: int) -> str:
    end = f"{name} ends {_end(record, k)}"
    if record.minimum is None:
        return f"{_boundless(record)}; {end}."
    if _is_short(record):
        return f"In {_too_few(record)}, {end}{_since(record, k)}."
    if record.metrics[k].stays_from is not None:
        return f"{end}{_since(record, k)}: too late to have settled by step {record.steps:,}."
    return f"{name} does not settle within {record.steps:,} steps; it ends {_end(record, k)}."


def _several(record: RaceRecord, field: list[Group]) -> list[Fact]:
    """Return the facts of a race with several starts or seeds: how many of each arrive."""
    shares = []
    for group in field:
        settled = [entry.settles for entry in metrics_of(record, group) if entry.settles is not None]
        median = float(np.median(settled)) if settled else math.inf
        shares.append((-len(settled) / len(group.runners), median, group.name, len(settled), len(group.runners)))
    shares.sort()
    best, worst = shares[0], shares[-1]
    facts = []
    if best[3] == 0:
        facts += _closest(record, field)[:1]
    else:
        text = f"{best[2]} settles from {best[3]:,} of {best[4]:,} runs, typically at step {best[1]:,.0f}"
        if len(shares) > 1:
            text += f"; {worst[2]} from {worst[3]:,} of {worst[4]:,}"
        facts.append(Fact(3.5, text + ".", ()))
    lost = sum(diverged(record, k) is not None for k in range(len(record.runners)))
    if 0 < lost < len(record.runners):
        facts.append(Fact(3.0, f"{count(lost, 'run').capitalize()} diverged.", ()))
    broken = sum(failed(record, k) is not None for k in range(len(record.runners)))
    if broken:
        facts.append(Fact(3.1, f"{count(broken, 'run').capitalize()} failed.", ()))
    return facts
