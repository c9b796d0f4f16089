"""Speed of the pages in a real Chromium: how large, how soon ready, how fast the explorer follows the pointer."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import Line, in_process, show

SIX = ("sgd:lr=0.001", "momentum:lr=0.0005", "adagrad:lr=0.5", "rmsprop:lr=0.01", "adam:lr=0.1", "adamw:lr=0.1")
SCREEN = "#course=rosenbrock&start=-1.2,1&steps=1000&" + "&".join(f"o={one}" for one in SIX)
MOVES = 400
HERTZ = (60, 125)
"""Moves of the pointer a second: a plain mouse's through most browsers, and a common mouse's own."""
READY = "performance.getEntriesByName('ready')[0]?.startTime ?? Number(document.documentElement.dataset.ready)"
"""Milliseconds from opening to ready: the explorer marks the moment, a report writes it down."""
PATIENCE = 30
"""Seconds that a page may take to be ready before the measurement is given up."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu")
PRESENTED = "SubmitCompositorFrameToPresentationCompositorFrame"
TRACED = ("input", "benchmark", "latencyInfo")


# -- what the processes do ---------------------------------------------------------------------------------------------


def explorer() -> dict[str, float]:
    """The explorer's size, the time until it is ready, and how long after a move of a drag all is drawn and shown."""
    from slalom.show.explorer import explorer_html

    html = explorer_html()
    found = {"bytes": float(len(html.encode()))}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "explorer.html"
        file.write_text(html, encoding="utf-8")
        found["ready"] = asyncio.run(_ready(file))
        for hertz in HERTZ:
            drawn, _ = asyncio.run(_drag(file, hertz, trace=None))
            _, shown = asyncio.run(_drag(file, hertz, trace=Path(folder) / "trace.json"))
            found |= {f"{hertz} {what}": value for what, value in _spread("drawn", drawn).items()}
            found |= {f"{hertz} {what}": value for what, value in _spread("shown", shown).items()}
    return found


def demo() -> dict[str, float]:
    """The demo's page: its size and the time until it is ready."""
    command = [str(Path(sys.executable).with_name("slalom")), "demo", "--out"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command, folder], check=True, capture_output=True)
        file = Path(folder) / "index.html"
        return {"bytes": float(file.stat().st_size), "ready": asyncio.run(_ready(file))}


def _spread(what: str, values: list[float]) -> dict[str, float]:
    return {f"{what} median": statistics.median(values), f"{what} 95": statistics.quantiles(values, n=20)[-1]}


class _Visit:
    """A page in a Chromium of its own."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def __aenter__(self) -> Any:
        from playwright.async_api import async_playwright

        self._driver = async_playwright()
        driver = await self._driver.__aenter__()
        found = next(filter(None, map(shutil.which, BROWSERS)))
        self._browser = await driver.chromium.launch(executable_path=found, args=list(FLAGS))
        page = await self._browser.new_page(viewport={"width": 1440, "height": 900})
        try:
            await page.goto(self.address)
            await _until_ready(page)
        except BaseException:
            await self.__aexit__()
            raise
        return page

    async def __aexit__(self, *reason: object) -> None:
        await self._browser.close()
        await self._driver.__aexit__(*reason)


async def _until_ready(page: Any) -> None:
    """Wait until the page says that it is ready. Raises ``TimeoutError`` where it does not in ``PATIENCE`` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not await page.evaluate("document.documentElement.dataset.ready"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{page.url} was not ready within {PATIENCE} s: open it and look at the console.")
        await page.wait_for_timeout(20)


async def _ready(file: Path) -> float:
    """Return the median seconds from opening to ready, of five openings."""
    times = []
    for _ in range(5):
        async with _Visit(file.as_uri()) as page:
            times.append(await page.evaluate(READY) / 1000)
    return statistics.median(times)


async def _drag(file: Path, hertz: int, trace: Path | None) -> tuple[list[float], list[float]]:
    """Drag the start along an ellipse; return the milliseconds of each move until all is drawn, and until it is shown.

    The moves are sent at a steady pace whether or not the page keeps up, as a mouse does.
    """
    async with _Visit(file.as_uri() + SCREEN) as page:
        await page.wait_for_timeout(500)
        browser = page.context.browser
        if trace is not None:
            await browser.start_tracing(page=page, path=trace, categories=list(TRACED))
        await _move_along(page, hertz)
        if trace is not None:
            await browser.stop_tracing()
        drawn = await page.evaluate("performance.getEntriesByName('redraw').map(one => one.duration)")
    return drawn, [] if trace is None else _latencies(trace)


async def _move_along(page: Any, hertz: int) -> None:
    box = await page.locator("#plane").bounding_box()
    session = await page.context.new_cdp_session(page)

    def place(move: int) -> tuple[float, float]:
        angle = move / 40
        across, down = 0.5 + 0.3 * math.cos(angle), 0.5 + 0.3 * math.sin(angle)
        return box["x"] + box["width"] * across, box["y"] + box["height"] * down

    await page.mouse.move(*place(0))
    await page.mouse.down()
    loop = asyncio.get_running_loop()
    begin, sent = loop.time(), []
    for move in range(MOVES):
        x, y = place(move)
        event = {"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}
        sent.append(asyncio.create_task(session.send("Input.dispatchMouseEvent", event)))
        await asyncio.sleep(max(0.0, begin + (move + 1) / hertz - loop.time()))
    await asyncio.gather(*sent)
    await page.mouse.up()


def _latencies(trace: Path) -> list[float]:
    """Return the milliseconds from each move of the drag until the frame that shows it, as the browser traced them.

    Moves that the browser put together with a later one, or whose frame it dropped, have none.
    """
    began: dict[tuple[str, int], float] = {}
    presented: set[tuple[str, int]] = set()
    shown = []
    for event in json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]:
        if not (event.get("id") or event.get("id2")):
            continue
        key = (event.get("id") or event["id2"].get("local"), event["pid"])
        if event["name"] == PRESENTED:
            presented.add(key)
        elif event["name"] != "EventLatency":
            continue
        elif event["ph"] == "b":
            presented.discard(key)
            if event["args"]["event_latency"].get("event_type") == "MOUSE_DRAGGED":
                began[key] = event["ts"]
        elif key in began and key in presented:
            shown.append((event["ts"] - began.pop(key)) / 1000)
    return shown


# -- the report --------------------------------------------------------------------------------------------------------


def lines() -> list[Line]:
    if not any(map(shutil.which, BROWSERS)):
        return [Line("the pages in a browser", "not measured: no Chromium here", "explorer 16 ms, pages 1 s", None)]
    found, page = in_process(__file__, "explorer", cores=2), in_process(__file__, "demo", cores=2)
    return [
        _page_line("the explorer", found, 1e6),
        *(line for hertz in HERTZ for line in _drag_lines(found, hertz)),
        _page_line("the demo's page", page, 1.5e6),
    ]


def _page_line(what: str, found: dict[str, float], most: float) -> Line:
    figure = f"{found['bytes'] / 1e6:.2f} MB, ready in {found['ready']:.2f} s"
    holds = found["bytes"] < most and found["ready"] < 1
    return Line(f"{what}, headless Chromium, software rendering", figure, f"< {most / 1e6:g} MB, < 1 s", holds)


def _drag_lines(found: dict[str, float], hertz: int) -> list[Line]:
    def told(what: str) -> str:
        middle, most = found[f"{hertz} {what} median"], found[f"{hertz} {what} 95"]
        return f"median {middle:.1f} ms, 95th percentile {most:.1f} ms"

    holds = found[f"{hertz} drawn median"] <= 16 and found[f"{hertz} drawn 95"] <= 33
    what = f"explorer, six optimizers × 1,000 steps, {hertz} moves a second: from a move of the drag"
    return [
        Line(f"{what} until all is drawn", told("drawn"), "≤ 16 and ≤ 33 ms", holds),
        Line(f"{what} until it is on the screen", told("shown"), "no target: with a screen's 60 frames a second", None),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(globals()[sys.argv[1]]()))
    else:
        show(lines())
