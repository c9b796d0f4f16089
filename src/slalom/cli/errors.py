"""Every usage mistake as one clear sentence: what was typed, the rule, the way out.

What the options' values break is told by :mod:`slalom.cli.options` and by the functions that commands call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

MISSING = {
    "course": "COURSE is missing: say what to descend (a name, an expression in quotes, or file.py:name), "
    "as in `slalom {command} sphere`; `slalom list landscapes` and `slalom list tasks` show the names.",
    "name": "NAME is missing: say what to show, as in `slalom show adam` or `slalom show rosenbrock`; "
    "`slalom list optimizers`, `slalom list landscapes` and `slalom list tasks` show the names.",
    "results_file": "FILE.csv is missing: name a file with the columns optimizer, seed and value, "
    "as in `slalom judge results.csv`.",
    "table_file": "FILE is missing: name the file to write, as in `slalom runs export runs.csv`.",
    "target": "TARGET is missing: name the store to copy into, and those to copy from, "
    "as in `slalom runs merge all.sqlite a.sqlite b.sqlite`.",
    "sources": "SOURCE is missing: name the stores to copy from, "
    "as in `slalom runs merge all.sqlite a.sqlite b.sqlite`.",
}
"""What to answer when an argument is left out."""


def sentence(mistake: click.UsageError) -> str:
    """Return what is wrong with a command line, for people."""
    context = mistake.ctx
    if context is None:
        return mistake.message
    if isinstance(mistake, click.NoSuchOption):
        return _unknown_option(mistake.option_name, context)
    if isinstance(mistake, click.BadOptionUsage):
        return _misused_option(mistake.option_name, context)
    if isinstance(mistake, click.MissingParameter) and mistake.param is not None:
        name = mistake.param.name or ""
        if name in MISSING:
            return MISSING[name].format(command=context.info_name)
    return mistake.format_message()


def unknown_command(name: str, known: Iterable[str]) -> str:
    """Return the answer to ``slalom rase``."""
    from slalom.core import nearest, quote

    return (
        f"{quote(name)} is not a command.{nearest(name, known)} `slalom --help` lists them; "
        "a race is typed `slalom race sphere`."
    )


def unknown_subcommand(name: str, command: str, known: Iterable[str]) -> str:
    """Return the answer to ``slalom runs lst``."""
    from slalom.core import nearest, quote

    *others, last = known
    hint = nearest(name, [*others, last])
    return f"{quote(name)} is not a command of `{command}`: choose {', '.join(others)} or {last}.{hint}"


def left_over(words: Sequence[str], context: click.Context) -> str:
    """Return the answer to words that belong nowhere: mostly quotes or an ``-o`` that were left out."""
    from slalom.core import quote

    text = f"{quote(' '.join(words))} does not belong to `{context.command_path}`"
    if any(option.name == "optimizers" for option in context.command.params):
        return f'{text}: an expression needs quotes, as in "x**2 + y**2", and every optimizer its own -o.'
    return f"{text}: `{context.command_path} --help` shows how it is used."


def _unknown_option(name: str, context: click.Context) -> str:
    from slalom.core import nearest, quote

    if not name.startswith("--") and any(p.name == "course" for p in context.command.params):
        return (
            f"{quote(name)} is not an option of `{context.command_path}`: an expression that begins with a "
            f'minus goes into brackets, as in "(-x)**2"; `{context.command_path} --help` lists the options.'
        )
    known = [option for parameter in context.command.params for option in parameter.opts if "--" in option]
    hint = nearest(name, [*known, "--help"])
    return (
        f"{quote(name)} is not an option of `{context.command_path}`.{hint} `{context.command_path} --help` lists them."
    )


def _misused_option(name: str, context: click.Context) -> str:
    from slalom.core import quote

    for parameter in context.command.params:
        if name in parameter.opts and isinstance(parameter, click.Option):
            if parameter.is_flag:
                return f"{quote(name)} takes no value: type {quote(name)} alone."
            metavar = parameter.metavar or "VALUE"
            return f"{quote(name)} needs a value: type {quote(f'{name} {metavar}')}."
    return f"{quote(name)} takes no value: type {quote(name)} alone."
