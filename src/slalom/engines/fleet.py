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
from typing import Any

import numpy as np
import torch

from slalom.core import Ends, InputError, Landscape, Noise, Optimizer, Progress, Runner, Trajectories, quote
from slalom.engines.gradients import autograd_gradient, function_over
from slalom.engines.limits import bounds, freeze
from slalom.formula.compiled import CompiledRule, RecordedFunction, compile_function, compile_gradient
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
    """Runners that one program moves: one optimizer, or several that differ in the hyperparameters that are lanes."""

    members: list[int]
    lanes: tuple[str, ...]


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
    numpy_dtype = np.float64 if dtype is torch.float64 else np.float32
    # NumPy asks for huge pages, which makes the first touch of a large record several times cheaper.
    buffer = torch.from_numpy(np.empty((steps + 1, landscape.dim, len(runners)), dtype=numpy_dtype))
    crew = Crew(landscape, runners, noise, dtype, device)

    def move(chunk: list[int], group: Group) -> None:
        whole = len(chunk) % REGISTER == 0 and chunk[-1] - chunk[0] == len(chunk) - 1 and device == "cpu"
        place = slice(chunk[0], chunk[-1] + 1) if whole else chunk
        lanes = _padded(chunk)
        if whole:
            record = buffer[:, :, place]
        else:
            record = torch.empty((steps + 1, landscape.dim, len(lanes)), dtype=dtype, device=device)
        crew.move(lanes, group, record)
        if not whole:
            buffer[:, :, place] = record[:, :, : len(chunk)].cpu()

    done = _run_chunks(_groups(runners, lanes), move, progress, steps)
    paths = buffer.numpy().transpose(2, 0, 1)
    remarks: tuple[str, ...] = ()
    if done < len(runners):
        paths = paths[:done]
        remarks = (f"interrupted: {done} of {len(runners)} runners had finished",)
    limits = bounds(landscape, runners[:done])
    diverged_at = _freeze(buffer, paths, limits)
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

    ``threshold`` is the loss below which a runner has arrived.
    """
    crew = Crew(landscape, runners, noise, dtype, device)
    ends = Ends.empty(len(runners), landscape.dim)

    def move(chunk: list[int], group: Group) -> None:
        crew.finish(_padded(chunk), len(chunk), group, steps, threshold, ends, chunk)

    done = _run_chunks(_groups(runners, lanes), move, progress, steps)
    if done < len(runners):
        raise KeyboardInterrupt
    return ends


class Crew:
    """Moves chunks of lanes; keeps the compiled code of each thread for the chunks that follow."""

    def __init__(
        self, landscape: Landscape, runners: Sequence[Runner], noise: Noise, dtype: torch.dtype, device: str
    ):
        self.landscape, self.runners, self.noise = landscape, runners, noise
        self.dtype, self.device = dtype, device
        self.recorded = _recorded(landscape)
        self._own = threading.local()

    def move(self, lanes: list[int], group: Group, record: torch.Tensor) -> None:
        """Fill ``record`` [steps + 1, dim, lanes] with the paths of the runners at ``lanes``."""
        points = record.unbind(0)
        stride = self._stepper(lanes, group)
        with torch.inference_mode(), np.errstate(all="ignore"):
            points[0].copy_(self._starts(lanes))
            for step in range(1, len(points)):
                stride(step, points[step - 1], points[step])

    def finish(
        self,
        lanes: list[int],
        count: int,
        group: Group,
        steps: int,
        threshold: float,
        ends: Ends,
        chunk: list[int],
    ) -> None:
        """Run a chunk to its end, and note where and when the first ``count`` lanes arrived."""
        layout = Layout(self.landscape.dim, len(lanes), self.dtype, self.device)
        stride, value = self._stepper(lanes, group), self._value(layout)
        limits = torch.from_numpy(bounds(self.landscape, [self.runners[index] for index in lanes]))
        limits = limits.to(self.device, self.dtype)
        with torch.inference_mode(), np.errstate(all="ignore"):
            p, q = self._starts(lanes), layout.empty(full=True)
            loss, outside = layout.empty(full=False), layout.empty(full=False, boolean=True)
            value(p, loss)
            last_outside = torch.where(loss < threshold, -1, 0).to(torch.int32)
            beyond = torch.zeros(len(lanes), dtype=torch.bool, device=self.device)
            for step in range(1, steps + 1):
                stride(step, p, q)
                p, q = q, p
                value(p, loss)
                # "not below" rather than "above", so that NaN counts as outside
                torch.lt(loss, threshold, out=outside)
                last_outside.masked_fill_(outside.logical_not_(), step)
                if step % CHECK_EVERY == 0 or step == steps:
                    beyond |= ~(p.abs() <= limits).all(dim=0)
            arrived = torch.where(last_outside < steps, last_outside + 1, -1)
            ends.points[chunk] = p[:, :count].T.cpu().numpy()
            ends.losses[chunk] = loss[:count].cpu().numpy()
            ends.arrived_at[chunk] = arrived[:count].cpu().numpy()
            ends.diverged[chunk] = (beyond | ~torch.isfinite(loss))[:count].cpu().numpy()

    def _starts(self, lanes: list[int]) -> torch.Tensor:
        starts = np.array([self.runners[index].start for index in lanes]).T
        return torch.from_numpy(np.ascontiguousarray(starts)).to(self.device, self.dtype)

    def _stepper(self, lanes: list[int], group: Group) -> Callable[[int, torch.Tensor, torch.Tensor], None]:
        """Return ``stride(step, p, out)`` for these lanes: gradient, noise, rule."""
        layout = Layout(self.landscape.dim, len(lanes), self.dtype, self.device)
        inside = self.recorded.alike() if self.recorded and not self.noise.deviation else None
        rule = self._rule(group, layout, lanes, inside)
        if inside is not None:
            return lambda step, p, out: rule.step(step, p, None, out)
        gradient, g = self._gradient(layout), layout.empty(full=True)
        blown = self._noise(lanes) if self.noise.deviation else None

        def stride(step: int, p: torch.Tensor, out: torch.Tensor) -> None:
            gradient(p, g)
            if blown is not None:
                g.add_(blown(step))
            rule.step(step, p, g, out)

        return stride

    def _rule(self, group: Group, layout: Layout, lanes: list[int], inside: Any) -> CompiledRule:
        """Return the group's rule, compiled for this layout and thread, before its first step."""
        first = self.runners[lanes[0]].optimizer
        rule = first.rule
        assert rule is not None
        h = Record(rule.hyperparameters(first.hyperparameters))
        varying = {}
        for name in group.lanes:
            values = [float(self.runners[index].optimizer.hyperparameters[name]) for index in lanes]
            varying[name] = torch.tensor(values, dtype=layout.dtype, device=layout.device)
        cache = self._own.__dict__.setdefault("rules", {})
        key = (id(group), layout.lanes)
        if key not in cache:
            slope = (self.recorded.variables[0], inside) if inside is not None and self.recorded else None
            climbs = bool(first.hyperparameters.get("maximize"))
            cache[key] = CompiledRule(rule, Record({**h, **varying}), layout, slope, maximize=climbs)
        cache[key].begin(varying)
        return cache[key]

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

    def _noise(self, lanes: list[int]) -> Callable[[int], torch.Tensor]:
        """Return a function from the step to the noise of the lanes, shape [dim, lanes]."""
        seeds = sorted({self.runners[index].seed for index in lanes})
        which = torch.tensor([seeds.index(self.runners[index].seed) for index in lanes])
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


def _recorded(landscape: Landscape) -> RecordedFunction | None:
    if not landscape.traceable:
        return None
    try:
        return RecordedFunction.of(landscape.function, landscape.dim)
    except (NotImplementedError, TypeError, RecursionError):
        return None


def _groups(runners: Sequence[Runner], lanes: tuple[str, ...]) -> list[Group]:
    """Return the runners grouped by all that one program must share, in order of appearance."""
    found: dict[Any, Group] = {}
    of_optimizer: dict[int, Group] = {}  # thousands of runners share one optimizer object
    for index, runner in enumerate(runners):
        optimizer = runner.optimizer
        if id(optimizer) not in of_optimizer:
            of_optimizer[id(optimizer)] = found.setdefault(_key(optimizer, lanes), Group([], lanes))
        of_optimizer[id(optimizer)].members.append(index)
    return list(found.values())


def _key(optimizer: Optimizer, lanes: tuple[str, ...]) -> Any:
    """What runners of one program have in common."""
    if optimizer.rule is None:
        raise InputError(
            f"{quote(optimizer.spec)}: the fleet engine moves update rules, and {optimizer.name} has none here: "
            "use the engine field or solo."
        )
    fixed = {name: value for name, value in optimizer.hyperparameters.items() if name not in lanes}
    return optimizer.rule.name, repr(sorted(fixed.items()))


def _padded(chunk: list[int]) -> list[int]:
    """Return ``chunk`` with its last lane repeated up to a whole number of registers."""
    return chunk + [chunk[-1]] * (-len(chunk) % REGISTER)


def _chunks(group: Group) -> Iterator[list[int]]:
    """Cut a group into equal chunks of about CHUNK lanes, each but the last a whole number of registers."""
    members = group.members
    number = max(1, round(len(members) / CHUNK))
    registers = -(-len(members) // REGISTER)
    size = -(-registers // number) * REGISTER
    for low in range(0, len(members), size):
        yield members[low : low + size]


def _run_chunks(
    groups: Sequence[Group], move: Callable[[list[int], Group], None], progress: Progress | None, steps: int
) -> int:
    """Move every chunk, on as many threads as torch may use; return how many runners are done, from the first on.

    Runners come in order, so what an interruption leaves is a head of the list.
    """
    work = [(chunk, group) for group in groups for chunk in _chunks(group)]
    total = sum(len(chunk) for chunk, _ in work)
    threads = min(torch.get_num_threads(), len(work))
    finished = 0
    if threads <= 1:
        try:
            for chunk, group in work:
                move(chunk, group)
                finished += len(chunk)
                if progress:
                    progress(finished * steps, total * steps)
        except KeyboardInterrupt:
            pass
        return finished
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(move, chunk, group) for chunk, group in work]
        try:
            for future, (chunk, _) in zip(futures, work, strict=True):
                future.result()
                finished += len(chunk)
                if progress:
                    progress(finished * steps, total * steps)
        except BaseException as stopped:
            for future in futures:
                future.cancel()
            if not isinstance(stopped, KeyboardInterrupt):
                raise
    return finished


def _freeze(buffer: torch.Tensor, paths: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Find divergences; one pass over the whole record settles it where nobody diverged."""
    low, high = torch.aminmax(buffer)
    if max(-float(low), float(high)) <= limits.min(initial=np.inf):  # false for NaN
        return np.full(len(paths), -1)
    return freeze(paths, limits)
