"""What may stand behind a pipe: ``adam:lr=0.1 | warmup:steps=100 | cosine``, ``adamw | nodecay``.

A stage is a learning-rate scheduler, or ``nodecay``. Schedulers have the names of their classes in
``torch.optim.lr_scheduler``, with or without ``LR`` and in any case, a few short names, or an import path. How several
of them act together is told in :mod:`slalom.optimizers.schedules`.

Two options belong to the stage and not to its class: ``per=step`` (unless told otherwise) or ``per=epoch`` says how
often the scheduler is stepped, and ``steps=N`` that after N of them the next stage takes over.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from slalom.core import InputError, nearest, python_files, quote
from slalom.optimizers.checks import REQUIRED, Hyperparameter, Signature, check, signature_of
from slalom.optimizers.grammar import read_stage
from slalom.optimizers.imports import file_title, load, load_from_file, with_files_class, without_files_class

MODULE = "torch.optim.lr_scheduler"
BASE = f"{MODULE}.LRScheduler"

WARMUP = "warmup"
WARMUP_FACTOR = 0.01
"""Where a warm-up begins, as a share of the learning rate; torchvision's reference scripts use the same."""

SHORT_NAMES = {"cosine": "CosineAnnealingLR", "restarts": "CosineAnnealingWarmRestarts", WARMUP: "LinearLR"}

NODECAY = "nodecay"

NATURAL_LENGTHS = frozenset({"T_max", "total_iters", "total_steps"})
"""Options that are the length of the race, or of the stage's own part of it, unless typed."""

REFUSED = {
    "ReduceLROnPlateau": "it waits for a metric, and a schedule here is fixed before the race: choose another, such as "
    "`cosine`, or bring a Python training loop of your own",
    "LambdaLR": "it takes a function, which cannot be typed: bring a Python training loop of your own, or choose "
    "another, such as `cosine`",
    "MultiplicativeLR": "it takes a function, which cannot be typed: bring a Python training loop of your own, or "
    "choose `exponential:gamma=0.99`",
    "SequentialLR": "stages that follow one another are written `warmup:steps=100 | cosine`",
    "ChainedScheduler": "schedulers that act together are written one behind the other, as in "
    "`linear | exponential:gamma=0.99`",
    "LRScheduler": "it is the base of all schedulers: name one of them, such as `cosine`",
}
"""Classes that cannot be a stage, and the way out."""

REFUSED_NAMES = {title.lower().removesuffix("lr"): title for title in REFUSED} | {"plateau": "ReduceLROnPlateau"}

ALONE = frozenset({"OneCycleLR", "CyclicLR"})
"""Schedulers that set the rate themselves, its beginning included: no other stage can act beside or before them."""

UNCHAINED = ALONE | {"CosineAnnealingWarmRestarts"}
"""Schedulers that set the rate from the optimizer's own, whatever another stage has made of it."""

NOT_TYPED = frozenset({"last_epoch", "verbose", "scale_fn"})
"""Options for resuming, for printing, and those that take a function."""

COUNTS = frozenset({"step_size", "T_max", "T_0", "T_mult", "total_iters", "total_steps", "epochs", "steps_per_epoch",
                    "step_size_up", "step_size_down"})  # fmt: skip
"""Options of torch's schedulers that are whole numbers from 1 on."""

NATURAL = NATURAL_LENGTHS | {"max_lr"}
"""Options that need not be typed though torch demands them; the highest rate of a cycle is the optimizer's own."""

AT_LEAST_ZERO = frozenset({"gamma", "factor", "eta_min", "end_factor", "power", "base_lr", "max_lr", "base_momentum",
                           "max_momentum"})  # fmt: skip

EXAMPLES = {"gamma": "0.99", "step_size": "10", "milestones": "(50,80)", "T_0": "10", "base_lr": "1e-4"}
"""What to type, by way of example, for an option that torch demands."""

DESCRIPTIONS = {
    "ConstantLR": "Multiplies the rate by `factor` for the first `total_iters` steps.",
    "CosineAnnealingLR": "Lowers the rate to `eta_min` along half a cosine.",
    "CosineAnnealingWarmRestarts": "Lowers the rate along half a cosine, again and again: `T_0` steps, then `T_mult` "
    "times as many.",
    "CyclicLR": "Moves the rate up and down between `base_lr` and `max_lr`; momentum against it.",
    "ExponentialLR": "Multiplies the rate by `gamma` at every step.",
    "LinearLR": "Moves the rate along a line from `start_factor` (1/3) to `end_factor` (1), both multiples of it.",
    "MultiStepLR": "Multiplies the rate by `gamma` at each of the `milestones`.",
    "OneCycleLR": "Raises the rate to `max_lr`, then lowers it far below where it began; momentum against it.",
    "PolynomialLR": "Lowers the rate to 0 along a power of the steps that are left: with power=1, a straight line.",
    "StepLR": "Multiplies the rate by `gamma` every `step_size` steps.",
    WARMUP: "Raises the rate from a hundredth (`start_factor`) during `steps`, then hands over to the next stage.",
}


@dataclass(frozen=True)
class Scheduling:
    """One learning-rate scheduler of a spec: its real class with the options that were typed."""

    text: str  # as typed
    name: str  # what it was called
    path: str  # import path of the class
    factory: Callable[..., Any] = field(repr=False)
    typed: Mapping[str, Any] = field(hash=False)  # options of the class
    per: str = "step"  # or "epoch"
    steps: int | None = None  # after how many of its steps the next stage takes over
    source: str = ""  # "file.py:name" with the file's absolute path, for a class in a file of the user's

    @property
    def title(self) -> str:
        return re.split("[.:]", self.path)[-1]

    def __getstate__(self) -> dict[str, Any]:
        return without_files_class(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(with_files_class(state))

    @property
    def options(self) -> Mapping[str, Any]:
        """Everything that was typed, the stage's own options included."""
        own = {"steps": self.steps} if self.steps is not None else {}
        return {**self.typed, **own, **({"per": self.per} if self.per != "step" else {})}


@dataclass(frozen=True)
class NoDecay:
    """Weight decay is left off parameters of fewer than two dimensions, or those whose names contain a ``match``."""

    text: str = NODECAY
    match: tuple[str, ...] = ()

    def spares(self, name: str, parameter: Any) -> bool:
        """Whether a parameter goes without weight decay."""
        return any(part in name for part in self.match) if self.match else parameter.ndim < 2


def read_stages(texts: Sequence[str]) -> tuple[tuple[Scheduling, ...], NoDecay | None]:
    """Return the schedulers in order, and ``nodecay`` where it was typed. Raises :class:`InputError`."""
    schedule, sparing = [], None
    for text in texts:
        name, options = read_stage(text)
        if name.lower() == NODECAY:
            if sparing is not None:
                raise InputError(f"{quote(text)}: nodecay is given twice. Keep one of them.")
            sparing = _no_decay(text, options)
        else:
            schedule.append(_scheduling(text, name, options))
    _check_order(schedule)
    return tuple(schedule), sparing


@cache
def scheduler_paths() -> Mapping[str, str]:
    """Return the import path of every scheduler that can be named: ``{"cosine": "torch.optim.lr_scheduler.…"}``."""
    module = importlib.import_module(MODULE)
    classes = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, module.LRScheduler)]
    names = {name.lower().removesuffix("lr"): name for name in classes if name not in REFUSED and name[0] != "_"}
    return {name: f"{MODULE}.{title}" for name, title in sorted((names | SHORT_NAMES).items())}


@dataclass(frozen=True)
class SchedulerEntry:
    """One scheduler that can be named behind a pipe."""

    name: str
    path: str
    description: str  # one sentence


def schedulers() -> dict[str, SchedulerEntry]:
    """Return every scheduler that can be named behind a pipe, by its name. Imports torch."""
    entries = {}
    for name, path in scheduler_paths().items():
        title = path.rpartition(".")[2]
        if title in SHORT_NAMES.values() and name == title.lower().removesuffix("lr") and title != "LinearLR":
            continue  # it has a shorter name
        described = DESCRIPTIONS.get(name) or DESCRIPTIONS.get(title) or f"PyTorch's {title}."
        entries[name] = SchedulerEntry(name, path, described)
    return entries


def _no_decay(text: str, options: Mapping[str, Any]) -> NoDecay:
    for name in options:
        if name != "match":
            raise InputError(f"{quote(text)}: nodecay has one option, match, and no {quote(name)}.")
    if "match" not in options:
        return NoDecay(text)
    match = options["match"] if isinstance(options["match"], tuple) else (options["match"],)
    if not match or not all(isinstance(part, str) and part for part in match):
        raise InputError(f"{quote(text)}: match must be parts of parameters' names, as in match=('bias','norm').")
    return NoDecay(text, match)


def _scheduling(text: str, name: str, options: Mapping[str, Any]) -> Scheduling:
    factory, source = _find(text, name)
    path = file_title(source) if source else f"{factory.__module__}.{factory.__qualname__}"
    title = re.split("[.:]", path)[-1]
    if path.startswith(f"{MODULE}.") and title in REFUSED:
        raise InputError(f"{quote(text)}: {title} cannot be a stage, for {REFUSED[title]}.")
    typed = {key: value for key, value in options.items() if key not in ("per", "steps")}
    signature = _signature(factory, of_torch=path.startswith(f"{MODULE}."))
    if name.lower() == WARMUP:
        typed = {"start_factor": WARMUP_FACTOR} | typed
    _check_demanded(text, title, signature, typed)
    checked = check(text, title, signature, typed, natural=NATURAL)
    if path.startswith(f"{MODULE}."):
        _check_ranges(text, checked)
    stage = Scheduling(text, name, path, factory, checked, _per(text, options), _steps(text, name, options), source)
    if title == "OneCycleLR" and ("epochs" in checked) != ("steps_per_epoch" in checked):
        raise InputError(f"{quote(text)}: epochs and steps_per_epoch belong together; or leave both out.")
    return stage


def _find(text: str, name: str) -> tuple[Callable[..., Any], str]:
    """Return the class that a stage names, and its source where it is in a file of the user's."""
    if python_files.names_a_file(name):
        return load_from_file(name)
    known = scheduler_paths()
    plain = name.lower().removesuffix("lr")
    if plain in known:
        return load(known[plain], BASE), ""
    if plain in REFUSED_NAMES:
        return load(f"{MODULE}.{REFUSED_NAMES[plain]}", BASE), ""
    if "." not in name:
        hint = nearest(plain, [*known, NODECAY]) or (
            f" Known are {', '.join([*schedulers(), NODECAY])}, or an import path such as `{MODULE}.StepLR`."
        )
        raise InputError(f"{quote(text)}: there is no stage {quote(name)}.{hint}")
    return load(name, BASE, "MyScheduler"), ""


def _signature(factory: Callable[..., Any], of_torch: bool) -> Signature:
    """Return what can be typed; torch's own counts are whole numbers even where an annotation cannot be read."""
    signature = signature_of(factory)
    kept = {name: about for name, about in signature.hyperparameters.items() if name not in NOT_TYPED}
    if of_torch:
        kept = {name: replace(about, types=(int,)) if name in COUNTS else about for name, about in kept.items()}
        for name in NATURAL_LENGTHS & kept.keys():
            kept[name] = replace(kept[name], default=REQUIRED)  # what torch assumes here is not what holds
    return Signature(kept, signature.open)


def _check_demanded(text: str, title: str, signature: Signature, typed: Mapping[str, Any]) -> None:
    """Refuse a stage without a value that its class demands and that nothing suggests."""

    def is_missing(about: Hyperparameter) -> bool:
        return about.default is REQUIRED and about.name not in typed and about.name not in NATURAL

    missing = [about.name for about in signature.hyperparameters.values() if is_missing(about)]
    unknown = [name for name in typed if name not in signature.hyperparameters]
    if missing and not unknown:
        example = ",".join(f"{name}={EXAMPLES.get(name, '0.1')}" for name in missing)
        example = f"{text}{',' if ':' in text else ':'}{example}"
        raise InputError(f"{quote(text)}: {title} needs a value for {' and '.join(missing)}: {quote(example)}.")


def _check_ranges(text: str, typed: Mapping[str, Any]) -> None:
    """Refuse values that torch's schedulers would only stumble over later, or take to climb."""
    for name, value in typed.items():
        if name in COUNTS and value is not None and value < 1:
            raise InputError(f"{quote(text)}: {name} must be at least 1, got {value!r}.")
        if name in AT_LEAST_ZERO and isinstance(value, int | float) and value < 0:
            raise InputError(f"{quote(text)}: {name} must be at least 0, got {value!r}.")
        whole = isinstance(value, tuple) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
        if name == "milestones" and not whole:
            raise InputError(f"{quote(text)}: milestones must be whole numbers in brackets, as in milestones=(50,80).")


def _per(text: str, options: Mapping[str, Any]) -> str:
    per = options.get("per", "step")
    if per not in ("step", "epoch"):
        raise InputError(f"{quote(text)}: per must be step or epoch, got {quote(per)}.")
    return str(per)


def _steps(text: str, name: str, options: Mapping[str, Any]) -> int | None:
    steps = options.get("steps")
    if steps is None and name.lower() == WARMUP:
        raise InputError(f"{quote(text)}: warmup needs the number of its steps: `warmup:steps=100`.")
    if "steps" not in options:
        return None
    checked = check(text, name, Signature({"steps": Hyperparameter("steps", 1, (int,))}, False), {"steps": steps})
    if checked["steps"] < 1:
        raise InputError(f"{quote(text)}: steps must be at least 1, got {steps!r}.")
    return int(checked["steps"])


def _check_order(schedule: Sequence[Scheduling]) -> None:
    """Refuse schedulers that cannot act together or one after the other."""
    if len(schedule) < 2:
        if schedule and schedule[0].steps is not None and schedule[0].name.lower() != WARMUP:
            raise InputError(_nothing_follows(schedule[0]))
        return
    for stage in schedule:
        if stage.title in ALONE and stage.path.startswith(MODULE):
            raise InputError(
                f"{quote(stage.text)}: {stage.title} sets the whole course of the learning rate, so it is the only "
                "scheduler of a spec."
            )
    if all(stage.steps is None for stage in schedule):
        for stage in schedule:
            if stage.title in UNCHAINED and stage.path.startswith(MODULE):
                raise InputError(
                    f"{quote(stage.text)}: {stage.title} sets the learning rate whatever another scheduler makes of "
                    "it: let one follow the other, as in `warmup:steps=100 | restarts:T_0=50`."
                )
        return
    *first, last = schedule
    for stage in first:
        if stage.steps is None:
            raise InputError(
                f"{quote(stage.text)}: where stages follow one another, each but the last needs the number of its "
                f"steps: {quote(stage.text + (',' if ':' in stage.text else ':') + 'steps=100')}."
            )
    if last.steps is not None:
        raise InputError(_nothing_follows(last))
    if len({stage.per for stage in schedule}) > 1:
        raise InputError(
            f"{quote(last.text)}: stages that follow one another are stepped alike: write per=epoch in each of them, "
            "or in none."
        )


def _nothing_follows(stage: Scheduling) -> str:
    return (
        f"{quote(stage.text)}: after {stage.steps} steps a next stage would take over, and none follows: leave "
        f"`steps={stage.steps}` out, or add a stage, as in `warmup:steps=100 | cosine`."
    )
