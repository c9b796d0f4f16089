"""By which metric of a training loop runs are compared, and which way a metric is better."""

from __future__ import annotations

import re
from collections.abc import Sequence

HIGHER = frozenset(
    """accuracy acc score scores reward rewards return returns auc auroc auprc roc f1 precision recall sensitivity
    specificity bleu rouge meteor r2 psnr ssim map miou iou dice kappa mcc ndcg mrr likelihood correlation pearson
    spearman""".split()  # noqa: SIM905 (a list of forty strings reads worse)
)
"""Words at the end of a metric's name that say that higher values are better."""

LOWER = frozenset(
    """loss losses error errors err perplexity ppl mse mae rmse mape nll bce crossentropy cer wer fid lpips kl
    divergence regret bpc bpb bpd""".split()  # noqa: SIM905
)
"""Words that say that lower values are better."""

TURNING = frozenset({"negative", "neg", "minus", "negated"})
"""Words that turn the direction round: ``neg_mean_squared_error``, ``negative_log_likelihood``."""

WAYS = {"max": True, "min": False}
"""What may be stated behind a metric's name."""


def split_direction(metric: str) -> tuple[str, bool | None]:
    """Return a metric's name, and whether higher is better where that is stated: ``("val_psnr", True)``, else None."""
    name, _, way = metric.rpartition(":")
    return (name, WAYS[way]) if name and way in WAYS else (metric, None)


def known_direction(name: str) -> bool | None:
    """Return whether higher values of a metric are better, as its name says; None where it does not.

    The last word that is known decides, so that ``accuracy_loss`` is a loss and ``top5_accuracy`` an accuracy.
    """
    found = [
        re.findall("[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[A-Za-z]+", token) for token in re.findall("[A-Za-z0-9]+", name)
    ]
    words = [word.lower() for token in found for word in token]
    if {"bits", "per"} <= set(words) or words[-2:] == ["cross", "entropy"]:
        return False
    for token in reversed(re.findall("[A-Za-z0-9]+", name)):
        parts = [token.lower(), *(word.lower() for word in reversed(found.pop()))]
        for part in (candidate for word in parts for candidate in (word, word.rstrip("0123456789"))):
            if part in HIGHER or part in LOWER:
                return (part in HIGHER) != bool(TURNING.intersection(words))
    return None


def compared_by(names: Sequence[str], metric: str | None = None) -> tuple[str, str]:
    """Return the metric of a training loop that chooses in a study, and the one that compares, there and in a race.

    The first is the ``metric`` asked for, or the first one named after validation examples, or the first of all but
    those of the test set; ``""`` where there is none. The other is the same on the test set, where that is measured.
    """
    candidates = [name for name in names if not name.startswith("test")]
    chooses = metric or next((name for name in candidates if name.startswith("val")), next(iter(candidates), ""))
    on_test = f"test_{chooses.partition('_')[2] or chooses}"
    return chooses, on_test if chooses and on_test in names else chooses
