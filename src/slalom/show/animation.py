"""The synchronised race, drawn: a GIF with what is installed anyway, an MP4 where the extra ``video`` is."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from PIL import GifImagePlugin, Image

from slalom.core import InputError
from slalom.show import canvas
from slalom.show.views.moving import MovingRace
from slalom.show.views.styles import MOMENTUM, ink, rgb, tint

GIF_DPI, VIDEO_DPI = 100, 160
DOWNHILL = "#8C8C8C"
LAST_SECONDS = 2.5
"""How long the last frame stands."""
CLEAR = 255
"""The palette's entry that means: as in the frame before."""


class Stage:
    """A moving race set up for drawing: everything that stands still is drawn once, the rest once per frame."""

    def __init__(self, view: MovingRace, dpi: int) -> None:
        self.view = view
        with matplotlib.rc_context(canvas.RC):
            self.figure = canvas.figure(*view.size, dpi=dpi)
            self.map = canvas.axes(self.figure, view.map_box)
            self.loss = canvas.axes(self.figure, view.loss_box)
            self.dials = self.figure.add_axes((0, 0, 1, 1), facecolor="none")
            self.dials.set_axis_off()
            self.dials.set_xlim(0, view.size[0])
            self.dials.set_ylim(0, view.size[1])
            self._still()
            self.moving = self._moving()
            self.canvas = FigureCanvasAgg(self.figure)
            self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def _still(self) -> None:
        """Draw what does not move: title, map with faint paths, faint loss curves, the dials' rims, the key."""
        view, width, height = self.view, *self.view.size
        self.figure.text(0.5 / width, 1 - 0.42 / height, view.title, fontsize=14, fontweight="bold", color=canvas.INK)
        canvas.landscape(self.map, view.map, faded=0.3)
        canvas.panel(self.loss, view.loss, width=1.0, faded=0.45)
        self.loss.set_xlabel("step", fontsize=8.5, color=canvas.QUIET, labelpad=1)
        for dial in view.dials:
            x, y = dial.box.left + dial.box.width / 2, dial.box.bottom + dial.box.height / 2
            rim = Circle((x, y), dial.box.width / 2, facecolor="#F7F8FA", edgecolor="#D5D8DD", linewidth=0.8)
            self.dials.add_patch(rim)
            name: dict[str, Any] = {
                "color": ink(dial.style.colour),
                "fontsize": 9,
                "fontweight": "bold",
                "ha": "center",
            }
            self.dials.text(x, dial.box.top + 0.04, dial.name, **name)
        if view.dials:
            self._key()

    def _key(self) -> None:
        """Write what the arrows mean."""
        x = 0.5
        words = (
            ("→ downhill", DOWNHILL, 0.88),
            ("→ momentum", MOMENTUM, 1.02),
            ("→ in the optimizer's colour: its step", canvas.INK, 2.5),
            ("○ √ second moment: what its step is divided by", canvas.QUIET, 0.0),
        )
        for text, colour, room in words:
            self.dials.text(x, 0.1, text, fontsize=8.5, color=colour)
            x += room

    def _moving(self) -> list[Any]:
        """Return the artists that move, in drawing order; one collection each, so that a frame takes few calls."""
        view = self.view
        colours = [style.colour for style in view.styles]
        self.tails = LineCollection([], linewidths=2.6, capstyle="round", zorder=20)
        self.map.add_collection(self.tails, autolim=False)
        first = np.ma.masked_invalid(view.heads[0])
        dots: dict[str, Any] = {"c": colours, "edgecolors": "white", "linewidths": 1.0, "zorder": 21}
        limits = self.map.get_xlim(), self.map.get_ylim()
        self.heads = self.map.scatter(first[:, 0], first[:, 1], s=62, **dots)
        self.map.set(xlim=limits[0], ylim=limits[1])
        cursor = np.ma.masked_invalid(view.cursors[0])
        limits = self.loss.get_xlim(), self.loss.get_ylim()
        self.now = self.loss.add_line(Line2D([0, 0], [0, 1], color=canvas.FAINT, linewidth=0.8, zorder=5))
        self.now.set_transform(self.loss.get_xaxis_transform())
        self.cursors = self.loss.scatter(cursor[:, 0], cursor[:, 1], s=34, clip_on=False, **dots)
        self.loss.set(xlim=limits[0], ylim=limits[1])
        self.ellipses = PolyCollection([], linewidths=1.0, zorder=4)
        self.arrows = PolyCollection([], linewidths=0, zorder=5)
        for collection in (self.ellipses, self.arrows):
            self.dials.add_collection(collection, autolim=False)
        width, height = view.size
        bold: dict[str, Any] = {"fontsize": 14, "fontweight": "bold", "color": canvas.INK, "ha": "right"}
        self.clock = self.figure.text((width - 0.2) / width, 1 - 0.42 / height, "", **bold)
        bold.update(fontsize=9, fontweight="normal", color=canvas.QUIET)
        self.second = self.figure.text((width - 0.2) / width, 1 - 0.62 / height, "", **bold)
        artists = [
            self.now,
            self.tails,
            self.heads,
            self.cursors,
            self.ellipses,
            self.arrows,
            self.clock,
            self.second,
        ]
        for artist in artists:
            artist.set_animated(True)
        return artists

    def draw(self, frame: int) -> np.ndarray:
        """Return one frame, shape [height, width, 4], uint8; the array is reused by the next call."""
        view = self.view
        self.heads.set_offsets(np.ma.masked_invalid(view.heads[frame]))
        self.cursors.set_offsets(np.ma.masked_invalid(view.cursors[frame]))
        self.now.set_xdata([max(view.steps[frame], view.loss.x.low)] * 2)
        self._tails(frame)
        self._dials(frame)
        step, spent = view.clock(frame)
        self.clock.set_text(step)
        self.second.set_text(spent)
        self.canvas.restore_region(self.background)
        renderer = self.canvas.get_renderer()
        for artist in self.moving:
            artist.draw(renderer)
        return np.asarray(self.canvas.buffer_rgba())

    def _tails(self, frame: int) -> None:
        segments, colours = [], []
        for runner, style in enumerate(self.view.styles):
            tail = self.view.tail(frame, runner)
            if len(tail) > 1:
                segments.append(np.stack([tail[:-1], tail[1:]], axis=1))
                shade = np.empty((len(tail) - 1, 4))
                shade[:, :3] = rgb(style.colour)
                shade[:, 3] = np.linspace(0.05, 1.0, len(tail) - 1) ** 1.2
                colours.append(shade)
        self.tails.set_segments(list(np.concatenate(segments)) if segments else [])
        shades: Any = np.concatenate(colours) if colours else []
        self.tails.set_color(shades)

    def _dials(self, frame: int) -> None:
        ellipses, rims, fills, arrows, colours = [], [], [], [], []
        for dial in self.view.dials:
            radius = dial.box.width / 2
            middle = np.array([dial.box.left + radius, dial.box.bottom + radius])
            if dial.spread is not None:
                ellipses.append(middle + radius * np.maximum(dial.spread[frame], 0.02) * ROUND)
                rims.append(tint(dial.style.colour, 0.35))
                fills.append(tint(dial.style.colour, 0.84))
            for vector, colour, thick in (
                (dial.downhill[frame], DOWNHILL, 0.075),
                (None if dial.momentum is None else dial.momentum[frame], MOMENTUM, 0.06),
                (dial.update[frame], dial.style.colour, 0.05),
            ):
                if vector is not None and np.hypot(*vector) > 0.02:
                    arrows.append(middle + radius * 0.96 * arrow(vector, thick / radius * 0.42))
                    colours.append(colour)
        self.ellipses.set_verts(ellipses)
        self.ellipses.set(facecolor=fills, edgecolor=rims)
        self.arrows.set_verts(arrows)
        self.arrows.set_facecolor(colours)


TURN = np.linspace(0, 2 * np.pi, 41)[:-1]
ROUND = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)


def arrow(vector: np.ndarray, thickness: float) -> np.ndarray:
    """Return the outline [7, 2] of an arrow from the origin to ``vector``; its head is at most half of it."""
    length = float(np.hypot(*vector))
    along = vector / length
    across = np.array([-along[1], along[0]])
    neck = max(length - 3.4 * thickness, 0.5 * length)
    half, wide = 0.5 * thickness, min(1.5 * thickness, 0.45 * length)
    outline = [(0, half), (neck, half), (neck, wide), (length, 0), (neck, -wide), (neck, -half), (0, -half)]
    return np.array([x * along + y * across for x, y in outline])


def frames(view: MovingRace, dpi: int = GIF_DPI) -> Iterator[np.ndarray]:
    """Yield every frame, shape [height, width, 4], uint8; each is overwritten by the next."""
    stage = Stage(view, dpi)
    with matplotlib.rc_context(canvas.RC):
        for frame in range(view.frames):
            yield stage.draw(frame)


def gif(view: MovingRace) -> bytes:
    """Return the race as a GIF that loops.

    All frames share one palette, and a frame holds only the pixels that differ from the one before: that keeps the
    file small and its writing fast.
    """
    stage = Stage(view, GIF_DPI)
    with matplotlib.rc_context(canvas.RC):
        table, palette = _palette(stage)
        out = io.BytesIO()
        height, width = stage.draw(0).shape[:2]
        out.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + palette)
        out.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        before = np.zeros((height, width), dtype=np.uint32)  # transparent black: no pixel of a frame is
        duration = round(100 / view.per_second) * 10
        for frame in range(view.frames):
            pixels = stage.draw(frame)
            last = frame == view.frames - 1
            _append(out, pixels, before, table, int(LAST_SECONDS * 1000) if last else duration)
            before[:] = _packed(pixels)
        out.write(b";")
    return out.getvalue()


def _packed(pixels: np.ndarray) -> np.ndarray:
    """Return a frame's pixels as one number each, [height, width]: quick to compare."""
    return pixels.view(np.uint32)[..., 0]


def _append(out: IO[bytes], pixels: np.ndarray, before: np.ndarray, table: np.ndarray, duration: int) -> None:
    """Write one frame: the box of pixels that changed, with those inside it that did not left clear."""
    changed = _packed(pixels) != before
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 1)
    left, right = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 1)
    box = slice(top, bottom), slice(left, right)
    shown = np.full((bottom - top, right - left), CLEAR, dtype=np.uint8)
    new = pixels[box][changed[box]] >> 3
    shown[changed[box]] = table[new[:, 0], new[:, 1], new[:, 2]]
    image = Image.fromarray(shown)
    options = {"duration": duration, "disposal": 1, "transparency": CLEAR, "include_color_table": False}
    for part in GifImagePlugin.getdata(image, (left, top), **options):
        out.write(part)


def _palette(stage: Stage) -> tuple[np.ndarray, bytes]:
    """Return the nearest palette entry for every colour of 5 bits a channel, shape [32, 32, 32], and the palette."""
    chosen = np.unique(np.linspace(0, stage.view.frames - 1, 6).astype(int))
    samples = np.concatenate([stage.draw(int(frame))[::2, ::2, :3] for frame in chosen])
    reduced = Image.fromarray(samples).quantize(CLEAR, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = np.array(reduced.getpalette(), dtype=np.int32).reshape(-1, 3)[:CLEAR]
    pure = [tuple(round(255 * part) for part in rgb(style.colour)) for style in stage.view.styles[:20]]
    colours = np.concatenate([np.array([(255, 255, 255), *pure]), colours])[:CLEAR]
    level = np.arange(32) * 255 // 31
    cube = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32)
    some = colours.astype(np.float32)
    distance = (some**2).sum(axis=1) - 2 * cube @ some.T
    table = distance.argmin(axis=1).astype(np.uint8).reshape(32, 32, 32)
    return table, colours.astype(np.uint8).tobytes().ljust(768, b"\xff")


def mp4(view: MovingRace, path: str | Path) -> None:
    """Write the race as an MP4 to ``path``. Raises InputError where the encoder is not installed."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise InputError(
            'Writing an MP4 needs an encoder: pip install "slalom[video]", or save the race as a .gif.'
        ) from error
    stage = Stage(view, VIDEO_DPI)
    with matplotlib.rc_context(canvas.RC):
        height, width = stage.draw(0).shape[:2]
        rate = view.per_second
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            pix_fmt_in="rgba",
            fps=rate,
            quality=7,
            macro_block_size=16,
            output_params=["-preset", "veryfast"],
        )
        writer.send(None)
        for frame in range(view.frames + round(LAST_SECONDS * rate)):
            writer.send(np.ascontiguousarray(stage.draw(min(frame, view.frames - 1))))
        writer.close()


def write(view: MovingRace, target: str | Path | IO[bytes], form: str | None = None) -> None:
    """Write a moving race as gif or mp4. A file object takes a GIF only: video encoders write to a path."""
    if form is None:
        form = Path(target).suffix.lstrip(".").lower() if isinstance(target, str | Path) else "gif"
    if form == "mp4":
        if not isinstance(target, str | Path):
            raise TypeError("an MP4 is written to a path")
        mp4(view, target)
    elif isinstance(target, str | Path):
        Path(target).write_bytes(gif(view))
    else:
        target.write(gif(view))
