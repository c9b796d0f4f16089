"""The update rules as JavaScript, written from the very functions of :mod:`slalom.optimizers.rules`.

A rule's switches (Nesterov, AMSGrad, …) choose the formula, so each combination becomes a function of its own; every
other choice (the first step, no momentum) stays a choice in the function. What does not differ from coordinate to
coordinate is computed once per step, before the loop.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from slalom.core import InputError
from slalom.formula import Record, State
from slalom.formula.graph import Graph, Node
from slalom.formula.javascript import Script, number
from slalom.optimizers.catalogue import Entry, catalogue
from slalom.optimizers.rule import RULES, UpdateRule
from slalom.optimizers.specs import parse
from slalom.show.views.styles import style_of

SCALES: dict[str, tuple[float, float, str]] = {
    "lr": (1e-5, 10.0, "log"),
    "momentum": (0.0, 0.999, "one minus"),
    "dampening": (0.0, 1.0, "linear"),
    "weight_decay": (0.0, 0.5, "linear"),
    "lr_decay": (0.0, 0.5, "linear"),
    "initial_accumulator_value": (0.0, 1.0, "linear"),
    "eps": (1e-12, 1.0, "log"),
    "alpha": (0.0, 0.9999, "one minus"),
    "rho": (0.0, 0.9999, "one minus"),
    "beta1": (0.0, 0.9999, "one minus"),
    "beta2": (0.0, 0.99999, "one minus"),
    "momentum_decay": (0.0, 0.1, "linear"),
    "eta_minus": (0.05, 0.99, "linear"),
    "eta_plus": (1.01, 2.0, "linear"),
    "step_size_min": (1e-10, 1e-2, "log"),
    "step_size_max": (1e-2, 1e3, "log"),
}
"""The range of each hyperparameter's slider and how it is divided; "one minus" divides 1 − value by its logarithm."""

MOMENTUM = ("m",)
SECOND = ("v", "u")
"""Names of the entries of a rule's state that are shown as its momentum and its second moment, the first that it has.

Adamax keeps a decaying maximum of gradient sizes, ``u``, in the second moment's place.
"""


def rules_js() -> str:
    """Return ``const rules = {...};`` with every named optimizer that has an element-wise rule."""
    found = [(entry, RULES[entry.path]) for entry in catalogue().values() if entry.path in RULES and _installed(entry)]
    shared = {rule.name: rule for _, rule in found}
    variants = "".join(f"const {name}Variants = {_variants(rule)};\n" for name, rule in shared.items())
    entries = "".join(f"  {entry.name}: {_entry(entry, rule)},\n" for entry, rule in found)
    return f"{variants}const rules = {{\n{entries}}};\n"


def _installed(entry: Entry) -> bool:
    try:
        parse(entry.name)
    except InputError:  # Lion's class is in a package that not everybody has
        return False
    return True


def _entry(entry: Entry, rule: UpdateRule) -> str:
    optimizer = parse(entry.name)
    style = style_of(entry.name)
    values = rule.hyperparameters(optimizer.hyperparameters)
    kept = [name for name in rule.state if name not in rule.optional]
    facts = {
        "name": entry.name,
        "title": entry.label,
        "family": entry.name,
        "path": entry.path,
        "about": entry.description,
        "color": style.colour,
        "dashes": style.dashes,
        "hyperparameters": {
            name: _hyperparameter(name, value)
            for name, value in values.items()
            if name not in rule.assumed or name in optimizer.hyperparameters
        },
        "pairs": rule.unpack,
        "preset": dict(entry.preset),
        "momentum": next((name for name in MOMENTUM if name in kept), None),
        "second": next((name for name in SECOND if name in kept), None),
        "switches": _switches(rule),
    }
    written = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
    return f"makeRule({{{written}}}, {rule.name}Variants)"


def _hyperparameter(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"value": value, "scale": "flag"}
    low, high, scale = SCALES[name]
    return {"value": value, "low": low, "high": high, "scale": scale}


def _defaults(rule: UpdateRule) -> tuple[Record, set[str]]:
    """Return the hyperparameters of the plain class, and the names of those that its user can set."""
    name = next(name for name, entry in catalogue().items() if entry.path == rule.authority and not entry.preset)
    given = parse(name).hyperparameters
    values = rule.hyperparameters(given)
    return values, {name for name in values if name not in rule.assumed or name in given}


def _switches(rule: UpdateRule) -> list[str]:
    values, settable = _defaults(rule)
    return [name for name, value in values.items() if isinstance(value, bool) and name in settable]


def _variants(rule: UpdateRule) -> str:
    """Return an array of {init, step}: one for each setting of the switches, the last switch changing fastest."""
    switches = _switches(rule)
    settings = itertools.product((False, True), repeat=len(switches))
    return f"[{', '.join(_variant(rule, dict(zip(switches, setting, strict=True))) for setting in settings)}]"


def _variant(rule: UpdateRule, switched: Mapping[str, bool]) -> str:
    values, _ = _defaults(rule)
    graph = Graph()
    h = Record({name: value if isinstance(value, bool) else graph.tensor(name) for name, value in values.items()})
    h.update(switched)
    p, g, t = graph.tensor("p[i]"), graph.tensor("g[i]"), graph.tensor("t")
    started = rule.start(p, h)
    state = State({name: graph.tensor(f"s.{name}") for name in started})
    moved, after = rule.step(p, g, state, t, h)
    symbols = {symbol: name for name, symbol in h.items() if isinstance(symbol, Node)} | {t: "t"}
    uniform = _uniform((p, g), state, after, symbols)
    init = _init(started, uniform, symbols)
    step = _step((p, g), state, {**after, "p": moved}, uniform, symbols)
    return f"{{\n{init},\n{step},\n}}"


def _uniform(moving: Sequence[Node], state: State, after: State, symbols: Mapping[Node, str]) -> set[str]:
    """Return the entries of the state that are one number for all coordinates, such as a product of momenta."""
    uniform = set(state)
    while True:
        inputs = {**symbols, **{symbol: symbol.name for symbol in (*moving, *state.values())}}
        lanes = frozenset([*moving, *(state[name] for name in state if name not in uniform)])
        script = Script(inputs, lanes)
        still = {name for name in uniform if not script.depends_on_lanes(after[name])}
        if still == uniform:
            return uniform
        uniform = still


def _init(started: State, uniform: set[str], symbols: Mapping[Node, str]) -> str:
    entries = []
    for name, value in started.items():
        text = f"h.{symbols[value]}" if isinstance(value, Node) else number(value)
        filled = "" if text == "0" else f".fill({text})"
        entries.append(f"{name}: {text if name in uniform else f'new Float64Array(n){filled}'}")
    return f"  init: (n, h) => ({{ {', '.join(entries)} }})"


def _step(
    moving: Sequence[Node], state: State, after: Mapping[str, Any], uniform: set[str], symbols: Mapping[Node, str]
) -> str:
    """Return the function that moves ``p`` and the state in place; ``after`` maps names to their new values."""
    inputs = dict(symbols) | {symbol: symbol.name for symbol in moving}
    inputs |= {symbol: f"s.{name}" if name in uniform else f"s.{name}[i]" for name, symbol in state.items()}
    lanes = frozenset([*moving, *(state[name] for name in state if name not in uniform)])
    script = Script(inputs, lanes)
    texts = dict(zip(after, script.write(after.values(), named=True), strict=True))
    names = [name for symbol, name in symbols.items() if name != "t" and _occurs(name, [*script.head, *script.body])]
    lines = [f"const {{ {', '.join(names)} }} = h;", *script.head, "for (let i = 0; i < p.length; i++) {"]
    lines += [f"  {line}" for line in script.body]
    lines += [
        f"  {'p' if name == 'p' else f's.{name}'}[i] = {text};" for name, text in texts.items() if name not in uniform
    ]
    lines += ["}", *(f"s.{name} = {texts[name]};" for name in after if name in uniform)]
    return "\n".join(["  step(t, p, g, s, h) {", *(f"    {line}" for line in lines), "  }"])


def _occurs(name: str, lines: Sequence[str]) -> bool:
    words = "".join(character if character.isalnum() or character in "_." else " " for character in " ".join(lines))
    return name in words.split()
