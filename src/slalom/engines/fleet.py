"""The update rules, thousands of runners at once: for sweeps.

Runners of one optimizer are lanes of one tensor [dim, lanes]. The rule and the landscape's gradient become fast code
(:mod:`slalom.formula.compiled`), lanes are moved in chunks that stay in the cache, chunks on all cores that torch may
use. A lane never meets another, and every chunk is a whole number of vector registers wide, so that a runner's path
does not depend on who runs beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from slalom.core import Ends, InputError, Landscape, Noise, Optimizer, Progress, Runner, Trajectories, interrupts, quote
from slalom.core.metrics import PATIENCE
from slalom.engines.gradients import autograd_gradient, function_over
from slalom.engines.limits import bounds, freeze
from slalom.formula.compiled import RecordedFunction, compile_function, compile_gradient
from slalom.formula.compiled_rule import CompiledRule
from slalom.formula.program import Layout
from slalom.formula.record import Record

CHUNK = 5_000
"""Lanes moved together: their points, state and temporaries fit a core's cache."""

REGISTER = 32
"""Lanes per chunk are a multiple of this, so that no lane falls into a loop's scalar remainder."""

CHECK_EVERY = 32
"""Steps between looks for divergence where no path is kept."""


@dataclass(frozen=True)
class Group:
    """Neighbouring runners that one program moves: one optimizer, or several that differ only in ``lanes``."""

    low: int
    high: int
    lanes: tuple[str, ...]


@dataclass(frozen=True)
class Chunk:
    """Runners ``low`` to ``high`` of a group, moved together with ``width`` lanes from ``first`` on.

    ``width`` is a whole number of registers. Lanes before ``low`` repeat runners of the chunk before, with the same
    result; lanes beyond the group repeat its last runner, and are thrown away.
    """

    group: Group
    low: int
    high: int
    first: int
    width: int

    @property
    def lanes(self) -> np.ndarray:
        """The runner that each lane moves, shape [width]."""
        return np.minimum(np.arange(self.first, self.first + self.width), self.group.high - 1)

    @property
    def own(self) -> slice:
        """Which lanes are the chunk's own runners."""
        return slice(self.low - self.first, self.high - self.first)


def fleet(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    progress: Progress | None = None,
    lanes: tuple[str, ...] = (),
) -> Trajectories:
    """Move all runners by their update rules, keeping every path.

    ``lanes`` names the hyperparameters in which runners of one program may differ (the learning rate, in a sweep).
    Raises InputError for an optimizer that has no rule. After Ctrl-C, return the runners whose chunks were done.
    """
    groups = _groups(runners, lanes)
    crew = Crew(landscape, runners, noise, dtype, device)
    numpy_dtype = np.float64 if dtype is torch.float64 else np.float32
    # NumPy asks for huge pages, which makes the first touch of a large record several times cheaper. The last group
    # may run past its end.
    room = np.empty((steps + 1, landscape.dim, len(runners) + REGISTER), dtype=numpy_dtype)
    room[:, :, len(runners) :] = 0.0
    buffer = torch.from_numpy(room)

    def move(chunk: Chunk) -> None:
        if device == "cpu" and (chunk.first + chunk.width <= chunk.group.high or chunk.group.high == len(runners)):
            crew.move(chunk, buffer[:, :, chunk.first : chunk.first + chunk.width])
            return
        record = torch.empty((steps + 1, landscape.dim, chunk.width), dtype=dtype, device=device)
        crew.move(chunk, record)
        buffer[:, :, chunk.low : chunk.high] = record[:, :, chunk.own].cpu()

    done = _run_chunks(groups, move, progress, steps)
    paths = room.transpose(2, 0, 1)[:done]
    remarks: tuple[str, ...] = ()
    if done < len(runners):
        remarks = (f"interrupted: {done} of {len(runners)} runners had finished",)
    limits = bounds(landscape, crew.starts[:done])
    # One pass over the whole record settles it where nobody diverged; NaN compares false.
    low, high = torch.aminmax(buffer) if done == len(runners) else (torch.nan, torch.nan)
    well = max(-float(low), float(high)) <= limits.min(initial=np.inf)
    diverged_at = np.full(done, -1) if well else freeze(paths, limits)
    return Trajectories(paths.astype(np.float64, copy=False), diverged_at, steps, None, remarks)


def fleet_ends(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    threshold: float,
    progress: Progress | None = None,
    lanes: tuple[str, ...] = (),
) -> Ends:
    """Move all runners by their update rules, keeping only how each one ends: for sweeps too large for their paths.

    ``threshold`` is the loss below which a runner has to stay for ``PATIENCE`` steps to settle.
    """
    crew = Crew(landscape, runners, noise, dtype, device)
    ends = Ends.empty(len(runners), landscape.dim)
    done = _run_chunks(
        _groups(runners, lanes), lambda chunk: crew.finish(chunk, steps, threshold, ends), progress, steps
    )
    if done < len(runners):
        raise KeyboardInterrupt
    return ends


class Crew:
    """Moves chunks of lanes; keeps the compiled code of each thread for the chunks that follow."""

    def __init__(self, landscape: Landscape, runners: Sequence[Runner], noise: Noise, dtype: torch.dtype, device: str):
        self.landscape, self.runners, self.noise = landscape, runners, noise
        self.dtype, self.device = dtype, device
        self.starts = np.array([runner.start for runner in runners], dtype=np.float64)
        self.recorded = _recorded(landscape.function, landscape.dim) if landscape.traceable else None

    def move(self, chunk: Chunk, record: torch.Tensor) -> None:
        """Fill ``record`` [steps + 1, dim, width] with the paths of the chunk's lanes."""
        points = record.unbind(0)
        with torch.inference_mode(), np.errstate(all="ignore"):
            points[0].copy_(self._starts(chunk))
            self._run(chunk, points)

    def finish(self, chunk: Chunk, steps: int, threshold: float, ends: Ends) -> None:
        """Run a chunk to its end, and note where and when its runners arrived."""
        layout = self._layout(chunk)
        value = self._value(layout)
        limits = torch.from_numpy(bounds(self.landscape, self.starts[chunk.lanes])).to(self.device, self.dtype)
        with torch.inference_mode(), np.errstate(all="ignore"):
            points = [self._starts(chunk), layout.empty(full=True)]
            loss, outside = layout.empty(full=False), layout.empty(full=False, boolean=True)
            value(points[0], loss)
            last_outside = torch.where(loss < threshold, -1, 0).to(torch.int32)
            settles, whole = torch.full_like(last_outside, -1), torch.empty_like(outside)
            beyond = torch.zeros(chunk.width, dtype=torch.bool, device=self.device)
            spoiled = torch.zeros_like(loss).add_(loss, alpha=0)  # 0 times what is not finite is NaN, and stays so

            def watch(step: int, p: torch.Tensor) -> None:
                value(p, loss)
                spoiled.add_(loss, alpha=0)
                # "not below" rather than "above", so that NaN counts as outside
                torch.lt(loss, threshold, out=outside)
                last_outside.masked_fill_(outside.logical_not_(), step)
                if step >= PATIENCE - 1:  # a lane that has been below for just so long settles, if it never has
                    torch.eq(last_outside, step - PATIENCE, out=whole)
                    if whole.any():
                        settles.masked_fill_(whole.logical_and_(settles < 0), step - PATIENCE + 1)
                if step % CHECK_EVERY == 0 or step == steps:
                    beyond.logical_or_(~(p.abs() <= limits).all(dim=0))

            self._run(chunk, [points[step % 2] for step in range(steps + 1)], watch)
            arrived = torch.where(steps - last_outside >= PATIENCE, settles, -1)
            rows, own = slice(chunk.low, chunk.high), chunk.own
            ends.points[rows] = points[steps % 2][:, own].T.cpu().numpy()
            ends.losses[rows] = loss[own].cpu().numpy()
            ends.arrived_at[rows] = arrived[own].cpu().numpy()
            ends.diverged[rows] = (beyond | spoiled.isnan())[own].cpu().numpy()

    def _layout(self, chunk: Chunk) -> Layout:
        return Layout(self.landscape.dim, chunk.width, self.dtype, self.device)

    def _starts(self, chunk: Chunk) -> torch.Tensor:
        starts = np.ascontiguousarray(self.starts[chunk.lanes].T)
        return torch.from_numpy(starts).to(self.device, self.dtype)

    def _run(self, chunk: Chunk, points: Sequence[torch.Tensor], watch: Any = None) -> None:
        """Move a chunk from ``points[0]`` through all of ``points`` [dim, width]: gradient, noise, rule."""
        layout = self._layout(chunk)
        inside = self.recorded.alike if self.recorded and not self.noise.deviation else None
        rule = self._rule(chunk, layout, inside)
        if inside is not None:
            rule.run(points, watch=watch)
            return
        gradient = self._gradient(layout)
        blown = self._noise(chunk) if self.noise.deviation else None

        def slope_at(step: int, p: torch.Tensor, g: torch.Tensor) -> None:
            gradient(p, g)
            if blown is not None:
                g.add_(blown(step))

        rule.run(points, layout.empty(full=True), slope_at, watch)

    def _rule(self, chunk: Chunk, layout: Layout, inside: Any) -> CompiledRule:
        """Return the group's rule, compiled for this layout, before its first step."""
        first = self.runners[chunk.low].optimizer
        rule = first.rule
        assert rule is not None
        varying = {}
        for name in chunk.group.lanes:
            values = [float(self.runners[index].optimizer.hyperparameters[name]) for index in chunk.lanes]
            varying[name] = torch.tensor(values, dtype=layout.dtype, device=layout.device)
        h = Record({**rule.hyperparameters(first.hyperparameters), **varying})
        climbs = bool(first.hyperparameters.get("maximize"))
        fixed = tuple((name, value) for name, value in h.items() if name not in varying)
        key = (id(rule), fixed, tuple(varying), layout, id(inside), climbs)
        slope = None if inside is None or self.recorded is None else (self.recorded.variables[0], inside)
        return _kept(key, lambda: CompiledRule(rule, h, layout, slope, climbs), varying)

    def _gradient(self, layout: Layout) -> Callable[[torch.Tensor, torch.Tensor], Any]:
        if self.recorded is not None:
            return compile_gradient(self.recorded, layout, fused=True)

        def by_autograd(p: torch.Tensor, g: torch.Tensor) -> None:
            with torch.inference_mode(mode=False):
                gradient = autograd_gradient(self.landscape, p.clone())
            g.copy_(gradient)

        return by_autograd

    def _value(self, layout: Layout) -> Callable[[torch.Tensor, torch.Tensor], Any]:
        """Return ``value(p, out)`` with p [dim, lanes] and out [lanes]."""
        if self.recorded is not None:
            program = compile_function([self.recorded.value], self.recorded.variables, layout, fused=True)
            return lambda p, out: program(*p.unbind(0), out)
        function = function_over(self.landscape)
        return lambda p, out: out.copy_(function(*p.unbind(0)))

    def _noise(self, chunk: Chunk) -> Callable[[int], torch.Tensor]:
        """Return a function from the step to the noise of the lanes, shape [dim, width] or [dim, 1]."""
        of_lane = [self.runners[index].seed for index in chunk.lanes]
        seeds = sorted(set(of_lane))
        which = torch.tensor([seeds.index(seed) for seed in of_lane])
        block: dict[int, torch.Tensor] = {}

        def rows(step: int) -> torch.Tensor:
            index, offset = divmod(step - 1, self.noise.block)
            if index not in block:
                block.clear()
                first = index * self.noise.block + 1
                drawn = [self.noise.rows(seed, first, self.noise.block, self.landscape.dim) for seed in seeds]
                block[index] = torch.from_numpy(np.stack(drawn, axis=2)).to(self.device, self.dtype)
            found = block[index][offset]
            return found if len(seeds) == 1 else found[:, which]

        return rows


@lru_cache(maxsize=32)
def _recorded(function: Callable[..., Any], dim: int) -> RecordedFunction | None:
    try:
        return RecordedFunction.of(function, dim)
    except (NotImplementedError, TypeError, RecursionError):
        return None


KEPT = 16
"""Compiled rules that a thread keeps for the next chunk or race like theirs."""

_own = threading.local()


def _kept(key: Any, make: Callable[[], CompiledRule], varying: dict[str, torch.Tensor]) -> CompiledRule:
    """Return this thread's compiled rule under ``key``, made where it is not there, back before its first step."""
    cache: dict[Any, CompiledRule] = _own.__dict__.setdefault("rules", {})
    compiled = cache.pop(key, None)
    if compiled is None:
        compiled = make()
    else:
        compiled.begin(varying)
    cache[key] = compiled  # the newest is last
    if len(cache) > KEPT:
        del cache[next(iter(cache))]
    return compiled


def _groups(runners: Sequence[Runner], lanes: tuple[str, ...]) -> list[Group]:
    """Cut the runners into stretches of neighbours that share all that one program must share."""
    optimizers = [runner.optimizer for runner in runners]
    changes = np.flatnonzero(np.diff(np.fromiter(map(id, optimizers), dtype=np.int64, count=len(runners)))) + 1
    groups: list[Group] = []
    before: Any = None
    for low, high in pairwise([0, *changes.tolist(), len(runners)]):
        key = _key(optimizers[low], lanes)
        if key == before:
            low = groups.pop().low
        groups.append(Group(low, high, lanes))
        before = key
    return groups


def _key(optimizer: Optimizer, lanes: tuple[str, ...]) -> Any:
    """What runners of one program have in common."""
    if optimizer.rule is None:
        raise InputError(
            f"{quote(optimizer.spec)}: the fleet engine moves update rules, and {optimizer.name} has none here: "
            "use the engine field or solo."
        )
    if optimizer.sorts:
        raise InputError(
            f"{quote(optimizer.spec)}: its stage `nodecay` sorts the parameters of a network, and here there are only "
            "coordinates: leave it out."
        )
    if optimizer.schedule:
        raise InputError(
            f"{quote(optimizer.spec)}: the fleet engine moves update rules whose hyperparameters stay as they are, and "
            f"here is {quote(optimizer.schedule)}: use the engine field or solo."
        )
    fixed = {name: value for name, value in optimizer.hyperparameters.items() if name not in lanes}
    return optimizer.rule.name, repr(sorted(fixed.items()))


def _chunks(group: Group) -> Iterator[Chunk]:
    """Cut a group into equal chunks of about CHUNK lanes, each a whole number of registers wide."""
    count = group.high - group.low
    number = max(1, round(count / CHUNK))
    registers = -(-count // REGISTER)
    width = -(-registers // number) * REGISTER
    for low in range(group.low, group.high, width):
        high = min(low + width, group.high)
        # The last one reaches back into its predecessor rather than beyond the group, where there is one.
        first = max(group.low, high - width) if high - low < width else low
        yield Chunk(group, low, high, first, width if first < low else -(-(high - low) // REGISTER) * REGISTER)


def _run_chunks(groups: Sequence[Group], move: Callable[[Chunk], None], progress: Progress | None, steps: int) -> int:
    """Move every chunk, on as many threads as torch may use; return how many runners are done, from the first on.

    Runners come in order, so what an interruption leaves is a head of the list.
    """
    work = [chunk for group in groups for chunk in _chunks(group)]
    total = work[-1].high
    threads = min(torch.get_num_threads(), len(work))
    finished = 0

    def note(chunk: Chunk) -> None:
        nonlocal finished
        finished = chunk.high
        if progress:
            progress(finished * steps, total * steps)

    if threads <= 1:
        try:
            for chunk in work:
                move(chunk)
                note(chunk)
        except interrupts():
            pass
        return finished
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(move, chunk) for chunk in work]
        try:
            for future, chunk in zip(futures, work, strict=True):
                future.result()
                note(chunk)
        except interrupts():
            pass
        finally:
            for future in futures:
                future.cancel()
    return finished
