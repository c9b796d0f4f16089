"""Tasks whose Python code counts its calls, and does something else from the sixtieth on."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

import slalom

DRAWN = torch.Generator().manual_seed(0)
X = torch.randn(80, 4, generator=DRAWN)
Y = (X[:, 0] > 0).long()
LATE = 60
CALLS = [0]


def factor() -> float:
    CALLS[0] += 1
    return 1.0 if CALLS[0] < LATE else 0.1


def late_loss(outputs, target):
    return functional.cross_entropy(outputs, target) * factor()


class LateLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, outputs, target):
        self.calls += 1
        return functional.cross_entropy(outputs, target) * (1.0 if self.calls < LATE else 0.1)

    def method(self, outputs, target):
        return self(outputs, target)


class LateNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x) * factor()


def net():
    return nn.Linear(4, 2)


def task(kind: str) -> slalom.Task:
    losses = {"function": late_loss, "module": LateLoss(), "method": LateLoss().method, "network": None}
    model = LateNet if kind == "network" else net
    return slalom.Task(model, (X, Y), loss=losses[kind], validation=0, metrics={}, batch_size=20, reshuffle=False)


KINDS = ["function", "module", "method", "network"]
