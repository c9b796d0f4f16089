"""The optimizers that have a name: every class of the installed ``torch.optim``, Lion, customary variants."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

CLASSICS = ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw")
"""The six that are raced when nobody says otherwise."""


@dataclass(frozen=True)
class Entry:
    """One named optimizer: where its class lives, what it is, who published it."""

    name: str  # as typed in a spec
    path: str  # import path of the class
    label: str  # as pictures write it
    description: str  # one sentence
    paper: str = ""  # authors, year, title, arXiv or DOI
    preset: Mapping[str, Any] = field(default_factory=dict)  # what makes a variant differ from its class

    @property
    def module(self) -> str:
        return self.path.rpartition(".")[0]


_POLYAK = (
    "B. T. Polyak, 1964. Some methods of speeding up the convergence of iteration methods. "
    "doi:10.1016/0041-5553(64)90137-5"
)
_SUTSKEVER = (
    "I. Sutskever, J. Martens, G. Dahl, G. Hinton, 2013. On the importance of initialization and momentum in "
    "deep learning. ICML"
)
_KINGMA = "D. P. Kingma, J. Ba, 2014. Adam: A Method for Stochastic Optimization. arXiv:1412.6980"

_TABLE = (
    Entry(
        "sgd",
        "torch.optim.SGD",
        "SGD",
        "Steps against the gradient, by the learning rate times its length; optionally with momentum.",
        "H. Robbins, S. Monro, 1951. A Stochastic Approximation Method. doi:10.1214/aoms/1177729586",
    ),
    Entry(
        "momentum",
        "torch.optim.SGD",
        "Momentum",
        "SGD that keeps rolling: a decaying sum of past gradients takes the gradient's place.",
        f"{_POLYAK}; {_SUTSKEVER}",
        {"momentum": 0.9},
    ),
    Entry(
        "nesterov",
        "torch.optim.SGD",
        "Nesterov",
        "Momentum that corrects itself with the gradient it has just met, before it moves.",
        "Y. Nesterov, 1983. A method for solving the convex programming problem with convergence rate "
        "O(1/k²). "
        f"Doklady AN SSSR 269; {_SUTSKEVER}",
        {"momentum": 0.9, "nesterov": True},
    ),
    Entry(
        "adagrad",
        "torch.optim.Adagrad",
        "Adagrad",
        "Divides each coordinate's step by the root of all its squared gradients so far, so steps only shrink.",
        "J. Duchi, E. Hazan, Y. Singer, 2011. Adaptive Subgradient Methods for Online Learning and "
        "Stochastic "
        "Optimization. JMLR 12, 2121-2159",
    ),
    Entry(
        "rmsprop",
        "torch.optim.RMSprop",
        "RMSprop",
        "Divides each coordinate's step by a running root mean square of its gradients.",
        "T. Tieleman, G. Hinton, 2012. Lecture 6.5 of Neural Networks for Machine Learning, Coursera; "
        "centred form: "
        "A. Graves, 2013. Generating Sequences With Recurrent Neural Networks. arXiv:1308.0850",
    ),
    Entry(
        "adadelta",
        "torch.optim.Adadelta",
        "Adadelta",
        "Scales each gradient by the ratio of the root mean squares of past steps and past gradients.",
        "M. D. Zeiler, 2012. ADADELTA: An Adaptive Learning Rate Method. arXiv:1212.5701",
    ),
    Entry(
        "adam",
        "torch.optim.Adam",
        "Adam",
        "A running mean of gradients over a running root mean square of them, both corrected for starting at zero.",
        _KINGMA,
    ),
    Entry(
        "amsgrad",
        "torch.optim.Adam",
        "AMSGrad",
        "Adam whose second moment never forgets its largest value, so that steps cannot grow again.",
        "S. J. Reddi, S. Kale, S. Kumar, 2018. On the Convergence of Adam and Beyond. arXiv:1904.09237",
        {"amsgrad": True},
    ),
    Entry(
        "adamw",
        "torch.optim.AdamW",
        "AdamW",
        "Adam with weight decay that shrinks the parameters directly instead of passing through the moments.",
        "I. Loshchilov, F. Hutter, 2017. Decoupled Weight Decay Regularization. arXiv:1711.05101",
    ),
    Entry(
        "adamax",
        "torch.optim.Adamax",
        "Adamax",
        "Adam with a decaying maximum of gradient sizes in place of the root mean square.",
        f"{_KINGMA} (section 7.1)",
    ),
    Entry(
        "nadam",
        "torch.optim.NAdam",
        "NAdam",
        "Adam with Nesterov's look-ahead and a momentum that warms up.",
        "T. Dozat, 2016. Incorporating Nesterov Momentum into Adam. ICLR workshop",
    ),
    Entry(
        "radam",
        "torch.optim.RAdam",
        "RAdam",
        "Adam that steps without the second moment until enough gradients have been seen to trust it.",
        "L. Liu and others, 2019. On the Variance of the Adaptive Learning Rate and Beyond. arXiv:1908.03265",
    ),
    Entry(
        "rprop",
        "torch.optim.Rprop",
        "Rprop",
        "Looks only at the sign of the gradient; each coordinate's step grows while the sign stays, shrinks "
        "when it flips.",
        "M. Riedmiller, H. Braun, 1993. A direct adaptive method for faster backpropagation learning: the "
        "RPROP "
        "algorithm. doi:10.1109/ICNN.1993.298623",
    ),
    Entry(
        "adafactor",
        "torch.optim.Adafactor",
        "Adafactor",
        "An Adam without momentum that keeps the second moment of a matrix as one row and one column.",
        "N. Shazeer, M. Stern, 2018. Adafactor: Adaptive Learning Rates with Sublinear Memory Cost. arXiv:1804.04235",
    ),
    Entry(
        "asgd",
        "torch.optim.ASGD",
        "ASGD",
        "SGD with a slowly falling learning rate that also keeps the average of the points it visited.",
        "B. T. Polyak, A. B. Juditsky, 1992. Acceleration of Stochastic Approximation by Averaging. "
        "doi:10.1137/0330046",
    ),
    Entry(
        "lbfgs",
        "torch.optim.LBFGS",
        "LBFGS",
        "A quasi-Newton method: guesses the curvature from the last steps and gradients.",
        "D. C. Liu, J. Nocedal, 1989. On the limited memory BFGS method for large scale optimization. "
        "doi:10.1007/BF01589116",
    ),
    Entry(
        "muon",
        "torch.optim.Muon",
        "Muon",
        "Momentum for matrices whose step is made orthogonal, so that every direction moves alike.",
        "K. Jordan and others, 2024. Muon: An optimizer for hidden layers in neural networks. "
        "kellerjordan.github.io/posts/muon; J. Liu and others, 2025. Muon is Scalable for LLM Training. "
        "arXiv:2502.16982",
    ),
    Entry(
        "sparseadam",
        "torch.optim.SparseAdam",
        "SparseAdam",
        "Adam for sparse gradients: moments and parameters change only where the gradient has an entry.",
        _KINGMA,
    ),
    Entry(
        "lion",
        "lion_pytorch.Lion",
        "Lion",
        "Moves every coordinate by the same amount, in the direction of the sign of a momentum.",
        "X. Chen and others, 2023. Symbolic Discovery of Optimization Algorithms. arXiv:2302.06675",
    ),
)


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every named optimizer by name: the table, and whatever else the installed torch.optim offers."""
    optim = importlib.import_module("torch.optim")
    entries = {e.name: e for e in _TABLE if e.module != "torch.optim" or hasattr(optim, e.path.split(".")[-1])}
    described = {entry.path for entry in entries.values()}
    for cls in torch_classes():
        path = f"torch.optim.{cls.__name__}"
        if path not in described:
            name = cls.__name__.lower()
            entries[name] = Entry(name, path, cls.__name__, f"PyTorch's {cls.__name__}.")
    return MappingProxyType(entries)


def torch_classes() -> list[type]:
    """Return the optimizer classes of the installed ``torch.optim``, the abstract base left out."""
    optim = importlib.import_module("torch.optim")
    found = (value for name, value in vars(optim).items() if isinstance(value, type) and not name.startswith("_"))
    return [cls for cls in found if issubclass(cls, optim.Optimizer) and cls is not optim.Optimizer]


def entry_of(path: str) -> Entry | None:
    """Return the entry whose class has this import path, the plain one before its variants."""
    entries = (entry for entry in catalogue().values() if entry.path == path)
    return min(entries, key=lambda entry: len(entry.preset), default=None)


def import_path(cls: Any) -> str:
    """Return where a class or function is imported from: ``torch.optim.Adam`` for torch's own classes."""
    module, name = getattr(cls, "__module__", ""), getattr(cls, "__qualname__", "")
    package = module.partition(".")[0]
    if module.startswith("torch.optim."):
        module = "torch.optim"
    elif package == "lion_pytorch":
        module = package
    return f"{module}.{name}"
