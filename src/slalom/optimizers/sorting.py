"""Which of a network's parameters are treated how: no weight decay for some, Muon for hidden matrices only.

Muon is made for the matrices of hidden layers; K. Jordan's description and torch's documentation leave embeddings, the
output layer, biases and convolutions to AdamW. Only names and shapes are known here, so: a matrix (two dimensions) is
hidden unless its name speaks of an embedding, or it is the last of several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slalom.core import InputError, quote
from slalom.optimizers.checks import Signature
from slalom.optimizers.stages import NoDecay

Named = Sequence[tuple[str, Any]]
"""A network's parameters with their names."""

REST = "rest_"
"""Prefix of the options of AdamW, which moves what an optimizer of matrices does not."""

REST_PATH = "torch.optim.AdamW"

EMBEDDINGS = ("embed", "_emb", "token", "position", "wte", "wpe")
"""Parts of a name that tell an embedding. A matrix that is taken for one by mistake is moved by AdamW."""


def rest_class() -> Any:
    """Return the class that moves the rest."""
    from torch.optim import AdamW

    return AdamW


def separate(typed: Mapping[str, Any], signature: Signature) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the optimizer's own hyperparameters, and those of the rest without their prefix."""
    rest = {name for name in typed if name.startswith(REST) and name not in signature.hyperparameters}
    own = {name: value for name, value in typed.items() if name not in rest}
    return own, {name.removeprefix(REST): typed[name] for name in typed if name in rest}


def hidden_matrices(named: Named) -> list[str]:
    """Return the names of the matrices of hidden layers, in order."""
    names = [n for n, p in named if p.ndim == 2 and not any(part in n.lower() for part in EMBEDDINGS)]
    return names[:-1] if len(names) > 1 else names


def groups(named: Named, sparing: NoDecay | None) -> list[Any]:
    """Return what the class is to be given: the parameters, or groups with and without weight decay."""
    if sparing is None:
        return [parameter for _, parameter in named]
    spared = [parameter for name, parameter in named if sparing.spares(name, parameter)]
    decayed = [parameter for name, parameter in named if not sparing.spares(name, parameter)]
    both: list[dict[str, Any]] = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in both if group["params"]]


def check_matches(spec: str, named: Named, sparing: NoDecay | None) -> None:
    """Refuse a part of a name that occurs in none."""
    for part in sparing.match if sparing else ():
        if not any(part in name for name, _ in named):
            raise InputError(
                f"{quote(spec)}: no parameter of the network has {quote(part)} in its name; they are "
                f"{quote(', '.join(name for name, _ in named))}."
            )


def equip(
    spec: str,
    named: Named,
    sparing: NoDecay | None,
    make: Callable[[Any], Any],
    make_rest: Callable[[Any], Any] | None,
) -> Any:
    """Return the real optimizer over a network's parameters; of two where ``make_rest`` makes the rest's."""
    check_matches(spec, named, sparing)
    if make_rest is None:
        return make(groups(named, sparing))
    from slalom.optimizers.divided import DividedOptimizer

    matrices, rest = _parted(spec, named)
    parts = [make(groups(matrices, sparing))]
    return DividedOptimizer([*parts, make_rest(groups(rest, sparing))] if rest else parts)


def equip_groups(
    spec: str, named: Named, sparing: NoDecay | None, make: Callable[[Any], Any], options: Mapping[str, Any]
) -> Any:
    """Return an optimizer that takes groups with ``use_muon``: True for hidden matrices, False for the rest.

    ``options`` go into the groups of the rest.
    """
    check_matches(spec, named, sparing)
    matrices, rest = _parted(spec, named)
    said: list[tuple[Named, dict[str, Any]]] = [(matrices, {"use_muon": True}), (rest, {"use_muon": False, **options})]
    made = []
    for part, options_of_part in said:
        found = groups(part, sparing) if sparing is not None else [{"params": groups(part, None)}] if part else []
        made += [{**options_of_part, **group} for group in found]
    return make(made)


def _parted(spec: str, named: Named) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Return the matrices of hidden layers, and the rest."""
    hidden = set(hidden_matrices(named))
    if not hidden:
        raise InputError(
            f"{quote(spec)}: it moves the matrices of hidden layers, and this network has none: choose another "
            "optimizer, such as `adamw`."
        )
    return [(n, p) for n, p in named if n in hidden], [(n, p) for n, p in named if n not in hidden]


def division(
    named: Named, sparing: NoDecay | None, title: str, divided: bool, rest: str = "AdamW"
) -> dict[str, tuple[str, ...]]:
    """Return the names of the parameters that each part treats: ``{"Muon": …, "AdamW": …}``, without decay."""
    names = [name for name, _ in named]
    hidden = set(hidden_matrices(named)) if divided else set(names)
    parts = {title: tuple(name for name in names if name in hidden)}
    if divided:
        parts[rest] = tuple(name for name in names if name not in hidden)
    if sparing:
        parts["without weight decay"] = tuple(n for n, p in named if sparing.spares(n, p))
    return {part: found for part, found in parts.items() if found}


def code(maker: str, given: str, sparing: NoDecay | None, rest: str | None, in_groups: bool = False) -> list[str]:
    """Return the lines that sort a network's parameters and make the optimizers: ``optimizer``, and ``rest``.

    ``in_groups``: one optimizer makes both, given groups with ``use_muon``.
    """
    lines = ["parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}"]
    if rest is not None:
        lines += [
            "matrices = [name for name, p in parameters.items() if p.ndim == 2 and not any(part in name.lower() "
            f"for part in {EMBEDDINGS!r})]",
            "hidden = matrices[:-1] if len(matrices) > 1 else matrices  # the last one is the output layer",
        ]
    if sparing is not None:
        test = f"any(part in name for part in {sparing.match!r})" if sparing.match else "p.ndim < 2"
        lines.append(f"spared = [name for name, p in parameters.items() if {test}]")
    if in_groups:
        parts = [
            f"{{'params': {_chosen(where, spared)}, 'use_muon': {where == 'in hidden'}{options}}}"
            for where in ("in hidden", "not in hidden")
            for spared, options in (
                [("not in spared", ""), ("in spared", ", 'weight_decay': 0.0")] if sparing else [("", "")]
            )
        ]
        lines += ["groups = [", *(f"    {part}," for part in parts), "]"]
        return [*lines, f"optimizer = {maker}([group for group in groups if group['params']]{given})"]
    lines.append(f"optimizer = {maker}({_selected(sparing, '' if rest is None else 'in hidden')}{given})")
    if rest is not None:
        lines.append(f"rest = {REST_PATH}({_selected(sparing, 'not in hidden')}{rest})  # step() and zero_grad() both")
    return lines


def _selected(sparing: NoDecay | None, where: str) -> str:
    """Return the expression for some of the parameters, in two groups where some are spared."""
    if sparing is None:
        return _chosen(where)
    spared = f"{{'params': {_chosen(where, 'in spared')}, 'weight_decay': 0.0}}"
    return f"[{{'params': {_chosen(where, 'not in spared')}}}, {spared}]"


def _chosen(*conditions: str) -> str:
    wanted = " and ".join(f"name {condition}" for condition in conditions if condition)
    return f"[p for name, p in parameters.items() if {wanted}]" if wanted else "list(parameters.values())"
