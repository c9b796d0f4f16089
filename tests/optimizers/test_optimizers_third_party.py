"""Optimizers of other packages: they parse, are tried, and train a small network. Each package may be missing."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from torch import nn

from conftest import missing
from slalom.optimizers import parse

SPECS = [
    "pytorch_optimizer.Lion:lr=1e-3", "pytorch_optimizer.AdaBelief:lr=1e-2 | cosine", "pytorch_optimizer.SOAP:lr=1e-2",
    "pytorch_optimizer.Lion:lr=1e-3,weight_decay=0.1 | nodecay", "schedulefree.AdamWScheduleFree:lr=0.01",
    "prodigyopt.Prodigy", "prodigyopt.Prodigy | cosine", "lion_pytorch.Lion:lr=1e-3 | warmup:steps=5 | polynomial",
]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
def test_it_parses_and_trains_a_small_network(spec: str) -> None:
    package = spec.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        missing(package)
    optimizer = parse(spec)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    inputs = torch.randn(32, 3)
    made = optimizer.equip(model.named_parameters())
    scheduler = optimizer.scheduler(made, 40, 10)
    losses = []
    for _ in range(40):
        if optimizer.needs.modes:
            made.train()
        made.zero_grad()
        loss = ((model(inputs) - inputs.sum(dim=1, keepdim=True)) ** 2).mean()
        loss.backward(create_graph=optimizer.needs.create_graph)
        made.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    if scheduler is not None:
        assert made.param_groups[0]["lr"] < parse(spec.partition("|")[0]).hyperparameters["lr"]


@pytest.mark.parametrize(("path", "modes"), [("schedulefree.AdamWScheduleFree", True), ("prodigyopt.Prodigy", False)])
def test_what_it_needs_is_found_by_trying(path: str, modes: bool) -> None:
    """Schedule-free wants to be told its mode."""
    package = path.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        missing(package)
    assert parse(path).needs.modes is modes
