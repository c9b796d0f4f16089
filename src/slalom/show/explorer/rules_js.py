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
from slalom.formula.graph import Graph
from slalom.formula.javascript import Script, number
from slalom.formula.node import Node
from slalom.optimizers.catalogue import Entry, catalogue
from slalom.optimizers.rule import RULES, UpdateRule
from slalom.optimizers.specs import parse
from slalom.show.explorer.hyperparameters import hyperparameter
from slalom.show.views.styles import style_of

MOMENTA = frozenset({"exp_avg", "momentum_buffer"})
"""What a class calls the state that the page shows as its momentum."""
SECONDS = frozenset({"exp_avg_sq", "square_avg", "sum", "exp_inf"})
"""What it calls its second moment; Adamax has a decaying maximum of gradient sizes in that place."""
FURTHER = frozenset({"max_exp_avg_sq", "grad_avg", "acc_delta", "mu_product", "prev", "step_size"})
"""State that the page shows in the formula alone."""


def rules_js() -> str:
    """Return ``const rules = {...};`` with every named optimizer that has an element-wise rule."""
    found = ruled()
    shared = {rule.name: rule for _, rule in found}
    variants = "".join(f"const {name}Variants = {_variants(rule)};\n" for name, rule in shared.items())
    entries = "".join(f"  {entry.name}: {_entry(entry, rule)},\n" for entry, rule in found)
    return f"{variants}const rules = {{\n{entries}}};\n"


def ruled() -> list[tuple[Entry, UpdateRule]]:
    """Return every named optimizer that has an element-wise rule, with that rule: those that the page can race."""
    return [(entry, RULES[entry.path]) for entry in catalogue().values() if entry.path in RULES and _installed(entry)]


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
    facts = {
        "name": entry.name,
        "title": entry.label,
        "path": entry.path,
        "about": entry.description,
        "color": style.colour,
        "dashes": style.dashes,
        "hyperparameters": {
            name: hyperparameter(rule.name, name, value)
            for name, value in values.items()
            if name not in rule.assumed or name in optimizer.hyperparameters
        },
        "pairs": rule.unpack,
        "momentum": shown(rule, MOMENTA),
        "second": shown(rule, SECONDS),
        "switches": _switches(rule),
    }
    written = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
    return f"makeRule({{{written}}}, {rule.name}Variants)"


def shown(rule: UpdateRule, names: frozenset[str]) -> str | None:
    """Return the entry of the rule's state that its class calls by one of ``names``, None where it has none.

    Raises ``ValueError`` for state of which nobody has said whether it is a momentum or a second moment.
    """
    for called in rule.state.values():
        if called not in MOMENTA | SECONDS | FURTHER:
            raise ValueError(f"rule {rule.name}: say in rules_js.py what its {called} is: MOMENTA, SECONDS or FURTHER")
    return next((name for name, called in rule.state.items() if called in names and name not in rule.optional), None)


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
