"""``slalom selfcheck``."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from slalom.cli import options
from slalom.cli.terminal import echo, echo_json

if TYPE_CHECKING:
    from slalom.lab.checked import Check

FAILURE = 1


@click.command(cls=options.Command)
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, or cuda for a GPU.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def selfcheck(device: str, as_json: bool) -> None:
    """Prove that this installation computes what it should.

    Compares every update rule with its torch.optim class from equal states, the engines with the plain loop on a
    landscape and on a network, a store with what was written to it, the judge with published numbers, and a problem
    of DeepOBS with NumPy. Prints each deviation beside its limit, and ends with code 1 where one is exceeded. Takes
    less than two minutes. With --device cuda, rules, engines and the problem are computed on a GPU.

    \b
    Examples:
      slalom selfcheck
      slalom selfcheck --json
    """
    from slalom.lab.selfcheck import selfcheck as carry_out

    began = time.perf_counter()
    checks = carry_out(device, report=lambda name: echo(f"checking {name} …", err=True))
    seconds = time.perf_counter() - began
    if as_json:
        _print_json(checks, device, seconds)
    else:
        _print(checks, device, seconds)
    if not all(check.passed for check in checks):
        raise click.exceptions.Exit(FAILURE)


def _print(checks: Sequence[Check], device: str, seconds: float) -> None:
    from rich.text import Text

    from slalom.cli.judgements import Printed, Texts
    from slalom.cli.tables import hanging, table_lines

    table = Texts(
        ("check", "against", "deviation", "limit", "unit", "result"),
        tuple(
            (check.name, check.against, _number(check.deviation), _number(check.limit), check.unit, _word(check))
            for check in checks
        ),
    )
    failed = [check for check in checks if not check.passed]
    skipped = sum(bool(check.skipped) for check in checks)
    printed = Printed()
    printed.bold(f"slalom selfcheck on {device}: {_verdict(len(checks), len(failed), skipped)}")
    printed.add("", *table_lines(table, {}, printed.width, ("unit", "against", "limit", "deviation")), "")
    reasons = [f"{check.name}: {check.result}" for check in checks if check.result != _word(check)]
    printed.add(*(line for reason in reasons for line in (*hanging(reason, 0, printed.width), "")))
    note = (
        "ε: units of 2⁻⁵²·max(|p|, |step|), one step from equal states. "
        f"{seconds:.0f} s; {', '.join(f'{name} {version}' for name, version in _versions().items())}, "
        f"{platform.system()} {platform.machine()}"
    )
    printed.add(*(Text(line, style="dim") for line in hanging(note, 0, printed.width)))
    printed.show()


def _word(check: Check) -> str:
    """Return a check's result in one word; its reason, where there is one, stands below the table."""
    return "passed" if check.passed and not check.skipped else "skipped" if check.skipped else "FAILED"


def _verdict(checks: int, failed: int, skipped: int) -> str:
    aside = f", {skipped} skipped" if skipped else ""
    if failed:
        return f"{failed} of {checks} checks FAILED{aside}. Please report it, with this table."
    return f"all {checks - skipped} checks passed{aside}."


def _print_json(checks: Sequence[Check], device: str, seconds: float) -> None:

    told: dict[str, Any] = {
        "device": device,
        "passed": all(check.passed for check in checks),
        "seconds": seconds,
        "versions": _versions(),
        "checks": [
            {
                "name": check.name,
                "against": check.against,
                "deviation": check.finite_deviation,
                "limit": check.limit,
                "unit": check.unit,
                "passed": check.passed,
                "result": check.result,
            }
            for check in checks
        ],
    }
    echo_json(told)


def _versions() -> dict[str, str]:
    import numpy
    import torch

    from slalom._version import __version__

    python = ".".join(map(str, sys.version_info[:3]))
    return {"slalom": __version__, "torch": torch.__version__, "numpy": numpy.__version__, "python": python}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
