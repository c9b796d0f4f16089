"""From what a caller hands in to an optimizer that is ready to be made.

A spec is ``name:key=value,key=value``. The name is the catalogue's, an import path, or ``file.py:name``; the values are
Python literals, parsed and never evaluated. Behind pipes come stages: ``adam:lr=0.01 | cosine``
(:mod:`slalom.optimizers.stages`). In Python a class, a ``functools.partial`` or a callable that takes parameters will
do too.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from slalom.core import InputError, Needs, Rule, interrupts, nearest, python_files, quote
from slalom.optimizers import needs as probing
from slalom.optimizers import schedules, sorting
from slalom.optimizers.catalogue import Entry, catalogue, entry_of, import_path
from slalom.optimizers.checks import RANGES, SWITCHES, Signature, check, default_of, plain, signature_of
from slalom.optimizers.grammar import format_spec, read_spec, split_stages, with_paths
from slalom.optimizers.imports import (
    fetch_from_file,
    file_title,
    load,
    load_from_file,
    with_files_class,
    without_files_class,
)
from slalom.optimizers.rule import rule_for
from slalom.optimizers.stages import NoDecay, Scheduling, read_stages

__all__ = ["SpecifiedOptimizer", "format_spec", "is_in_a_file", "parse", "parse_all"]


@dataclass(frozen=True)
class SpecifiedOptimizer:
    """A torch-style optimizer with its hyperparameters, ready to be made. Satisfies
    :class:`slalom.core.Optimizer`.

    It pickles where ``factory`` does: always when it came from a string, or from a class or function that can
    be imported. What came from a file of the user's is fetched from that file again.
    """

    spec: str  # as typed
    name: str  # the short label of pictures
    family: str  # which optimizer it is: fixes its colour
    hyperparameters: Mapping[str, Any] = field(hash=False)  # every one, defaults included
    typed: Mapping[str, Any] = field(hash=False)  # only those that were typed
    rule: Rule | None
    needs: Needs
    factory: Callable[..., Any] = field(repr=False)  # the real class, or the caller's function
    preset: Mapping[str, Any] = field(hash=False, repr=False)  # what a named variant adds
    head: str = field(repr=False)  # the spec up to its colon
    schedulers: tuple[Scheduling, ...] = ()  # the stages that move the learning rate
    nodecay: NoDecay | None = None
    changes: frozenset[str] = frozenset()  # the hyperparameters that the schedulers change: mostly the rate alone
    source: str = ""  # "file.py:name" with the file's absolute path, for what is in a file of the user's
    horizon: int | None = None  # the length that schedules are made for, where it is not that of the run

    def __getstate__(self) -> dict[str, Any]:
        return without_files_class(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(with_files_class(state))

    @property
    def path(self) -> str:
        """Where the class is imported from: ``torch.optim.Adam``; ``mine.py:MyOptimizer`` for one in a file."""
        return file_title(self.source) if self.source else import_path(self.factory)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the optimizer and of its schedulers, of those that are in files of the user's."""
        return tuple(one for one in (self.source, *(stage.source for stage in self.schedulers)) if one)

    def spec_with(self, written: Callable[[str], str]) -> str:
        """Return the spec with ``written(source)`` for what is in a file of the user's."""
        if not self.sources:
            return self.spec
        head = written(self.source) if self.source else self.head
        stages = [format_spec(written(s.source), s.options) if s.source else s.text for s in self.schedulers]
        return format_spec(head, self.typed, [*stages, *((self.nodecay.text,) if self.nodecay else ())])

    @property
    def schedule(self) -> str:
        """The learning-rate schedule as typed: ``warmup:steps=100 | cosine``; "" where the rate is constant."""
        return " | ".join(stage.text for stage in self.schedulers)

    @property
    def stages(self) -> tuple[str, ...]:
        """Everything behind the pipes, as typed: the schedule, then ``nodecay``."""
        return (*(stage.text for stage in self.schedulers), *((self.nodecay.text,) if self.nodecay else ()))

    @property
    def sorts(self) -> bool:
        """Whether a network's parameters are treated unequally: no decay for some, matrices by Muon."""
        return self.nodecay is not None or self.needs.matrix

    @property
    def fixes_rate(self) -> bool:
        """Whether a scheduler has been told its highest rate, so that ``lr`` no longer tells it."""
        return any("max_lr" in stage.typed for stage in self.schedulers)

    def make(self, parameters: Iterable[Any]) -> Any:
        """Return the real, unmodified optimizer over ``parameters``, given just what was typed.

        Raises :class:`slalom.core.InputError` where a spec tells how to sort a network's parameters by their names.
        """
        if self.nodecay is not None or self._rest:
            what = self.nodecay.text if self.nodecay is not None else f"{sorting.REST}{next(iter(self._rest))}"
            raise InputError(
                f"{quote(self.spec)}: {quote(what)} sorts the parameters of a network, and here there are only "
                "coordinates: leave it out."
            )
        return self._bare(probing.grouped(parameters, self.needs))

    def equip(self, named_parameters: Iterable[tuple[str, Any]]) -> Any:
        """Return the real optimizer over a network's parameters, given with their names.

        With ``nodecay`` it has two groups. An optimizer of matrices gets those of hidden layers, AdamW the rest; the
        two are one :class:`slalom.optimizers.divided.DividedOptimizer`. One that takes groups with ``use_muon`` moves
        both itself.
        """
        if self.needs.muon_groups:
            return sorting.equip_groups(self.spec, list(named_parameters), self.nodecay, self._bare, self._rest)
        rest = functools.partial(sorting.rest_class(), **self._rest) if self.needs.matrix else None
        return sorting.equip(self.spec, list(named_parameters), self.nodecay, self._bare, rest)

    def division(self, named_parameters: Iterable[tuple[str, Any]]) -> dict[str, tuple[str, ...]]:
        """Return the names of the parameters that each part moves, and of those without weight decay."""
        rest = "use_muon=False" if self.needs.muon_groups else "AdamW"
        return sorting.division(list(named_parameters), self.nodecay, self.name, self.needs.matrix, rest)

    def scheduler(self, optimizer: Any, steps: int, steps_per_epoch: int) -> Any:
        """Return the real learning-rate schedulers over ``optimizer``, or None without a schedule.

        ``step()`` is to be called after every step of the optimizer, ``per=epoch`` included. ``steps_per_epoch`` is 0
        on a landscape, which has no epochs. Raises :class:`slalom.core.InputError` where schedule and race do not fit.
        """
        if not self.schedulers:
            return None
        parts = getattr(optimizer, "parts", (optimizer,)) if self.needs.matrix else (optimizer,)
        return schedules.make_schedule(self.schedulers, parts, self.horizon or steps, steps_per_epoch)

    def rates(self, steps: int, steps_per_epoch: int) -> np.ndarray | None:
        """Return the learning rate in force at each step, shape [steps], float64; None without a schedule.

        Found by running the real schedulers over the real optimizer, which stands still.
        """
        if not self.schedulers:
            return None
        with _aside(self.factory):
            made = self._bare(probing.dummies(self.needs))
            return schedules.rates_of(self.schedulers, made, self.horizon or steps, steps_per_epoch)[:steps]

    def lasting(self, steps: int) -> SpecifiedOptimizer:
        """Return the same optimizer for runs that are stopped early: its schedules are made for ``steps`` steps."""
        return replace(self, horizon=steps) if self.schedulers else self

    def replace(self, **hyperparameters: Any) -> SpecifiedOptimizer:
        """Return the same optimizer with other values, checked as if they had been typed."""
        typed = {**self.typed, **{name: plain(value) for name, value in hyperparameters.items()}}
        preset = {name: value for name, value in self.preset.items() if name not in typed}
        bare = _specify(format_spec(self.head, typed), self.head, self.factory, typed, preset, self, self.source)
        return _staged(bare, self.schedulers, self.nodecay)

    def code(self) -> str:
        """Return the Python that makes it: ``torch.optim.Adam(model.parameters(), lr=0.1)``.

        With stages, or with parts, several lines that make ``optimizer``, ``scheduler`` and ``rest``, given ``model``
        and the number of ``steps`` (``epochs``).
        """
        maker = self.path if isinstance(self.factory, type) else self.head
        if self.source:
            maker = self.path.replace(".py:", ".")
        given = _arguments({**self.preset, **self._own})
        if not self.sorts:
            bare = f"{maker}(model.parameters(){given})"
            return "\n".join([f"optimizer = {bare}", *self._schedule_code()]) if self.schedulers else bare
        rest = _arguments(self._rest) if self.needs.matrix else None
        lines = sorting.code(maker, given, self.nodecay, rest, in_groups=self.needs.muon_groups)
        return "\n".join([*lines, *self._schedule_code()])

    def _schedule_code(self) -> list[str]:
        lines = schedules.schedule_code(self.schedulers)
        if self.needs.matrix and not self.needs.muon_groups:
            lines += [f"rest_{line}" for line in schedules.schedule_code(self.schedulers, "rest")]
        return lines

    @property
    def _own(self) -> dict[str, Any]:
        return sorting.separate(self.typed, signature_of(self.factory))[0]

    @property
    def _rest(self) -> dict[str, Any]:
        return sorting.separate(self.typed, signature_of(self.factory))[1] if self.needs.matrix else {}

    def _bare(self, parameters: Iterable[Any]) -> Any:
        own = self._own if self.needs.matrix else self.typed
        return self.factory(parameters, **self.preset, **own)


def _arguments(values: Mapping[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in values.items())


def parse(spec: Any) -> SpecifiedOptimizer:
    """Return the optimizer that ``spec`` names. Raises :class:`slalom.core.InputError`."""
    if isinstance(spec, SpecifiedOptimizer):
        return spec
    if isinstance(spec, str):
        text, *stages = split_stages(spec)
        return _staged(_parse_bare(text), *read_stages(stages), _printable(spec)) if stages else _parse_bare(text)
    factory, typed = spec, {}
    if isinstance(spec, functools.partial) and not spec.args:
        factory, typed = spec.func, {k: plain(v) for k, v in spec.keywords.items()}
    if not callable(factory):
        raise InputError(
            f"{quote(repr(spec))}: an optimizer is a spec such as `adam:lr=0.1`, a class, a "
            f"functools.partial, "
            f"or a function that takes parameters, not {type(spec).__name__}."
        )
    entry = entry_of(import_path(factory))
    head = entry.name if entry else _title_of(factory)
    return _specify(format_spec(head, typed), head, factory, typed, {})


def _printable(spec: str) -> str:
    """Return a spec as typed, but for the paths of files that cannot be printed."""
    printable = with_paths(spec, str)
    return printable if not spec.isprintable() else spec.strip()


def is_in_a_file(spec: str) -> bool:
    """Whether a spec names an optimizer in a file: with options, or by a class or function that takes parameters.

    Runs the file. Raises :class:`slalom.core.InputError` where it cannot be run.
    """
    try:
        head, typed = read_spec(split_stages(spec)[0])
    except InputError:
        return False
    if not python_files.names_a_file(head):
        return False
    factory = fetch_from_file(head)[0]
    taken = next(iter(inspect.signature(factory).parameters), "") if inspect.isfunction(factory) else ""
    return bool(typed) or isinstance(factory, type) or taken in ("params", "parameters")


def _parse_bare(spec: str) -> SpecifiedOptimizer:
    """Return the optimizer of a spec without stages."""
    head, typed = read_spec(spec)
    if python_files.names_a_file(head):
        factory, source = load_from_file(head)
        return _specify(with_paths(spec, str), head, factory, typed, {}, source=source)
    entry = catalogue().get(head.lower())
    if entry is not None:
        lasting = entry.module == "torch.optim"  # another package may come and go while we run
        return _from_catalogue(spec) if lasting else _from_catalogue.__wrapped__(spec)
    if "." not in head:
        raise InputError(_unknown_name(head))
    return _specify(spec, head, load(head), typed, {})


def _staged(
    bare: SpecifiedOptimizer, schedulers: tuple[Scheduling, ...], nodecay: NoDecay | None, spec: str = ""
) -> SpecifiedOptimizer:
    """Return an optimizer with its stages, which have been tried; ``spec`` is how they were typed."""
    if not schedulers and nodecay is None:
        return bare
    staged = replace(bare, schedulers=schedulers, nodecay=nodecay)
    spec = spec or " | ".join([bare.spec, *staged.stages])
    if nodecay is not None and "weight_decay" not in bare.hyperparameters:
        raise InputError(f"{quote(spec)}: {bare.name} has no weight decay that could be left off some parameters.")
    changes: frozenset[str] = frozenset()
    if schedulers:
        with _aside(bare.factory):
            parts = [bare._bare(probing.dummies(bare.needs))]
            if bare.needs.matrix and not bare.needs.muon_groups:
                parts.append(sorting.rest_class()([probing.dummy()]))
            changes = schedules.try_schedule(spec, bare.name, schedulers, parts)
    return replace(staged, spec=spec, changes=changes)


@functools.lru_cache(maxsize=256)
def _from_catalogue(spec: str) -> SpecifiedOptimizer:
    """Return a named optimizer. Its class cannot change under us, so it is put together and tried once."""
    head, typed = read_spec(spec)
    entry = catalogue()[head.lower()]
    preset = {k: v for k, v in entry.preset.items() if k not in typed}
    return _specify(spec, entry.name, _load_entry(entry), typed, preset)


def parse_all(specs: Any) -> list[SpecifiedOptimizer]:
    """Return the optimizer of each spec, in order; one spec alone counts as a list of one."""
    if isinstance(specs, str | SpecifiedOptimizer) or not isinstance(specs, Iterable):
        specs = [specs]
    field: list[SpecifiedOptimizer] = []
    for optimizer in map(parse, specs):
        # Typed twice it runs twice: as an object of its own, so that nobody takes the two for one with more runs.
        field.append(replace(optimizer) if any(optimizer is other for other in field) else optimizer)
    if not field:
        raise InputError("no optimizer was given: name at least one, such as `adam:lr=0.1`.")
    return field


def _specify(
    spec: str,
    head: str,
    factory: Callable[..., Any],
    typed: Mapping[str, Any],
    preset: Mapping[str, Any],
    known: SpecifiedOptimizer | None = None,
    source: str = "",
) -> SpecifiedOptimizer:
    """Check everything, then put the optimizer together. ``known`` is what it is a variation of.

    What trying it changes elsewhere (class state, settings of the process, random generators) is put back.
    """
    with _aside(factory):
        return _tried(spec, head, factory, typed, preset, known, source)


@contextmanager
def _aside(factory: Callable[..., Any]) -> Iterator[None]:
    """Put back what a class that is not torch's changes elsewhere."""
    if isinstance(factory, type) and factory.__module__.startswith("torch.optim."):
        yield
        return
    from slalom.isolation import isolated

    with isolated(factory):
        yield


def _tried(
    spec: str,
    head: str,
    factory: Callable[..., Any],
    typed: Mapping[str, Any],
    preset: Mapping[str, Any],
    known: SpecifiedOptimizer | None,
    source: str,
) -> SpecifiedOptimizer:
    path = import_path(factory)
    named = catalogue().get(head)
    entry = named if named and named.path == path else entry_of(path)
    title = entry.path.rpartition(".")[2] if entry else _title_of(factory).rpartition(".")[2]
    if source and not entry:
        title = source.rpartition(":")[2]
    signature = signature_of(factory)
    own, rest = sorting.separate(typed, signature)
    checked = check(spec, title, signature, own)
    make = functools.partial(factory, **preset, **checked)
    needs = known.needs if known else probing.KNOWN.get(path)
    if needs is None or typed:
        needs = _try(spec, title, signature, factory, make, needs, checked)
    for_rest = _check_rest(spec, title, needs, rest)
    values = {**signature.defaults, **preset, **checked, **for_rest}
    if not isinstance(factory, type):  # a function: what it makes tells the rest
        made = make(probing.dummies(needs))
        values = {**_values_inside(made), **values}
        entry = entry_of(import_path(type(made)))
        if title == "lambda":
            title = entry.label if entry else type(made).__name__
    shown = {name: value for name, value in values.items() if name not in SWITCHES or name in checked}
    return SpecifiedOptimizer(
        spec=spec,
        name=entry.label if entry and isinstance(factory, type) else title,
        family=entry.name if entry else title.lower(),
        hyperparameters=shown,
        typed={**checked, **for_rest},
        rule=rule_for(path, checked),
        needs=needs,
        factory=factory,
        preset=preset,
        head=head,
        source=source,
    )


def _check_rest(spec: str, title: str, needs: Needs, rest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of AdamW, which moves what an optimizer of matrices leaves, as they were typed: prefixed."""
    if not rest:
        return {}
    if not needs.matrix:
        raise InputError(
            f"{quote(spec)}: {title} moves every parameter itself, so {quote(sorting.REST + next(iter(rest)))} has no "
            "part; only an optimizer of matrices, such as `muon`, leaves a rest to AdamW."
        )
    if needs.muon_groups:  # they go into its own groups, and only the class knows them
        return {f"{sorting.REST}{name}": plain(value) for name, value in rest.items()}
    adamw = sorting.rest_class()
    signature = signature_of(adamw)
    checked = check(spec, "AdamW", signature, rest)
    _try(spec, "AdamW", signature, adamw, functools.partial(adamw, **checked), Needs(), checked)
    return {f"{sorting.REST}{name}": value for name, value in checked.items()}


def _try(
    spec: str,
    title: str,
    signature: Signature,
    factory: Callable[..., Any],
    make: probing.Make,
    needs: Needs | None,
    typed: Mapping[str, Any],
) -> Needs:
    """Construct the optimizer on a dummy parameter and return its needs. Complaints become InputErrors."""
    try:
        if needs is None:
            _demand_optimizer(spec, title, make)
            needs = probing.probe_once(_key(factory, typed), make)
        make(probing.dummies(needs))
        if not probing.is_slow(factory) and any(
            _is_read_in_step(signature, name, value) for name, value in typed.items()
        ):
            probing.trial(make, needs)
        return needs
    except InputError:
        raise
    except probing.FAILURES as complaint:
        raise InputError(_refusal(spec, title, signature, factory, needs, typed, complaint)) from complaint


def _key(factory: Callable[..., Any], typed: Mapping[str, Any]) -> Any:
    """Return what decides a class's needs: the class, and its options that are no numbers."""
    options = {name: value for name, value in typed.items() if not _is_number(value)}
    return factory, repr(sorted(options.items()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_read_in_step(signature: Signature, name: str, value: Any) -> bool:
    """Tell whether torch looks at a value only in ``step()``: switches, names of methods, counts."""
    about = signature.hyperparameters.get(name)
    if about is None or name == "capturable":  # which depends on the device, known only to the engine
        return False
    return about.whole or isinstance(value, str) or (name in SWITCHES and bool(value)) or about.default is None


def _demand_optimizer(spec: str, title: str, make: probing.Make) -> None:
    try:
        made = make([probing.dummy()])
    except interrupts():
        raise
    except BaseException:
        return  # perhaps it takes matrices only: the probe will tell
    if not callable(getattr(made, "step", None)) or not hasattr(made, "param_groups"):
        raise InputError(
            f"{quote(spec)}: {title} must return an optimizer, with step() and param_groups, when it is "
            f"given "
            f"parameters; it returned {type(made).__name__}."
        )


def _refusal(
    spec: str,
    title: str,
    signature: Signature,
    factory: Callable[..., Any],
    needs: Needs | None,
    typed: Mapping[str, Any],
    complaint: BaseException,
) -> str:
    """Say which value the class refuses, its rule where that is known, and its default."""
    for name, value in typed.items():
        about = signature.hyperparameters.get(name)
        if needs is None or about is None or name not in RANGES or not import_path(factory).startswith("torch."):
            continue
        try:
            factory(probing.dummies(needs), **{name: value})
        except Exception:
            standard = default_of(title, name, about.default)
            return f"{quote(spec)}: {name} {RANGES[name]}, got {value!r}.{standard}"
    return f"{quote(spec)}: {title} refuses this: {probing.words(complaint)}."


def _values_inside(optimizer: Any) -> dict[str, Any]:
    """Return the hyperparameters that an optimizer of unknown making was given, as far as it tells."""
    groups = getattr(optimizer, "param_groups", None) or [{}]
    simple = (bool, int, float, str, tuple, type(None))
    return {k: v for k, v in groups[0].items() if k != "params" and k not in SWITCHES and isinstance(v, simple)}


def _load_entry(entry: Entry) -> Callable[..., Any]:
    try:
        return load(entry.path)
    except InputError as missing:
        raise InputError(
            f"{quote(entry.name)} is {entry.path}, which is not installed: "
            '`pip install "slalom[optimizers]"` brings it.'
        ) from missing


def _unknown_name(head: str) -> str:
    known = catalogue()
    hint = nearest(head, known) or f" Known are {', '.join(known)}, or an import path such as `torch.optim.Adam`."
    return f"{quote(head)} is no optimizer in the catalogue.{hint}"


def _title_of(factory: Any) -> str:
    """Return what to call a class or function: its import path, or its bare name where none leads to it."""
    name = getattr(factory, "__qualname__", None) or type(factory).__qualname__
    if "<" in name or getattr(factory, "__module__", None) in (None, "__main__"):
        return name.rpartition(".")[2].strip("<>")
    return import_path(factory)
