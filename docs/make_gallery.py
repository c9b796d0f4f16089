"""Make docs/gallery.md and its pictures by the commands that it shows: ``make gallery``.

A file's name given on the command line makes that picture alone.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PICTURES = HERE / "gallery"


@dataclass(frozen=True)
class Picture:
    """One picture: its file, what it is called, the command without ``--save``, and how to read it."""

    file: str
    title: str
    command: str
    reading: str


CLASSICS = "-o sgd:lr=0.1 -o adagrad:lr=1 -o rmsprop:lr=1 -o adadelta:lr=1 -o adam:lr=1 -o adamw:lr=1"
FIXED = "-o sgd:lr=0.01 -o adagrad:lr=0.01 -o rmsprop:lr=0.01 -o adadelta:lr=0.01 -o adam:lr=0.01 -o adamw:lr=0.01"
FOUR = "-o sgd -o momentum -o adam -o adamw"

CHAPTERS = {
    "On a function: how each one moves": [
        Picture("comparison.png", "Comparison card", f"slalom race sphere --start -75,-10 {CLASSICS} --steps 10000",
                "Paths on the left, loss on the right, and in the table when each settles and whether it leaves again. "
                "A straight path is not a fast one: look at the loss."),
        Picture("path.png", "Path card", "slalom race rosenbrock -o momentum:lr=0.0005 --steps 800",
                "One dot every ten steps: where dots lie close, it is slow. The step length below the loss tells a "
                "swing from a creep."),
        Picture("race.gif", "Synchronised race", f"slalom race sphere --start -75,-10 {CLASSICS}",
                "All in step. Inside each optimizer: the downhill direction (grey), its momentum (orange), the step it "
                "makes (its own colour), and the root of the second moment that divides it (ellipse)."),
        Picture("surface.png", "Surface", "slalom race himmelblau --start 0,0 -o sgd:lr=0.01 -o adam:lr=0.1 "
                "--steps 200 --picture surface",
                "What is being descended, in three dimensions and as contours, with the paths lying on it."),
        Picture("ladder.png", "Learning-rate ladder", f"slalom sweep sphere --start -75,-10 {CLASSICS} --over ladder",
                "Each optimizer at a tenth to ten times its learning rate, on the same axes: who creeps, arrives, "
                "bounces or leaves again within 500 steps. A tile that diverged would be pale red."),
        Picture("sensitivity.png", "Sensitivity on a function", "slalom sweep ravine -o sgd -o momentum -o adam",
                "How low each learning rate gets over many starts, the median and the middle half. Wide valleys are "
                "easy to tune; grey is where it diverges. The open dot is the library's default."),
        Picture("basins.png", "Basin map", "slalom sweep himmelblau -o sgd:lr=0.01 -o adam:lr=0.1 --over start "
                "--grid 128",
                "Every pixel is a start, its colour the minimum that was reached, paler where that took longer, grey "
                "where it did not arrive, black where it diverged. The fan of 30 jittered paths shows whether the "
                "one in a talk was luck."),
    ],
    "On a network: what happens while it trains": [
        Picture("curves.png", "Training curves", f"slalom race digits-mlp {FIXED} --seeds 10 --epochs 20",
                "Medians of ten seeds with the middle half as a band, over epochs and over seconds. One learning rate "
                "for all ranks defaults, not optimizers."),
        Picture("final.png", "Final results", f"slalom race digits-mlp {FIXED} --seeds 10 --epochs 20 --picture final",
                "Every dot is a seed. Where clouds overlap, a single run would have told you nothing."),
        Picture("rates.png", "Sensitivity of a network", "slalom sweep digits-mlp -o sgd -o adam -o adamw --over lr",
                "Validation accuracy against the learning rate. The bar below is how far the rate may be off for one "
                "point of accuracy."),
        Picture("map.png", "Trainability map", "slalom sweep digits-mlp -o sgd --over lr,momentum --grid 64",
                "Each of the 4,096 pixels is a trained network, the brighter the lower its loss ended; one that "
                "diverged would be black. What trains best lies close to where training breaks, and that border is "
                "ragged."),
    ],
    "A study: who is better, and how sure is that": [
        Picture("study.png", "Study card", f"slalom study digits-cnn {FOUR} --epochs 10",
                "Above: the difference to the baseline with its interval; grey is what does not matter; the word at "
                "the end is the verdict. Below: what each learning rate came to, and how the tuned ones train."),
        Picture("verdict.png", "Verdict strip", f"slalom study digits-mlp {FOUR} -o adagrad -o adadelta --epochs 5 "
                "--baseline adam --picture verdict",
                "Within the grey band a difference does not matter. The word is the verdict: it is corrected for the "
                "number of comparisons, so that an interval may miss zero and still decide nothing. Then it says how "
                "many seeds would."),
        Picture("budget.png", "What trials are worth", f"slalom study digits-mlp {FOUR} --epochs 5 --picture budget",
                "The validation result to expect of k trials of tuning. A curve that is still rising was not tuned to "
                "its end; curves that cross say that the winner depends on the budget."),
        Picture("profiles.png", "Across courses", "slalom study sphere rosenbrock beale booth himmelblau -o momentum "
                "-o rmsprop -o adam --steps 300",
                "The share of the courses on which an optimizer is within a ratio of the best: higher and further "
                "left is better. Beside it the chance of each rank, over seeds drawn anew."),
    ],
}  # fmt: skip


def main(wanted: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    every = [picture for chapter in CHAPTERS.values() for picture in chapter]
    unknown = set(wanted) - {picture.file for picture in every}
    if unknown:
        sys.exit(f"There is no picture {', '.join(sorted(unknown))}; there are {', '.join(p.file for p in every)}.")
    with tempfile.TemporaryDirectory() as folder:
        for picture in every:
            if not wanted or picture.file in wanted:
                print(f"{picture.file}: {picture.command}", flush=True)
                _make(picture, Path(folder) / "runs.sqlite")
    (HERE / "gallery.md").write_text(_page(), encoding="utf-8")


def _make(picture: Picture, store: Path) -> None:
    command = [sys.executable, "-m", *shlex.split(picture.command), "--save", str(PICTURES / picture.file)]
    if "slalom study" in picture.command:
        command += ["--store", str(store)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _page() -> str:
    lines = ["# Gallery", "", "Every picture that slalom draws, the command that makes it, and how to read it. "
             "`make gallery` makes this page.", ""]  # fmt: skip
    for heading, pictures in CHAPTERS.items():
        lines += [f"## {heading}", ""]
        for picture in pictures:
            typed = f"{picture.command} --save {picture.file}"
            lines += [f"### {picture.title}", "", f"![{picture.title}](gallery/{picture.file})", "",
                      picture.reading, "", "```", typed, "```", ""]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
