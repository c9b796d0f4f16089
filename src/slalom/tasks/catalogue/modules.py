"""The catalogue's modules that are more than a chain of layers. Imported when a network is made: they need torch."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


class LogisticRegression(nn.Module):
    """Returns [N, classes + 1]: the logits, and in the last column (penalty/2)‖θ‖², which the loss is to add."""

    def __init__(self, inputs: int, classes: int, penalty: float):
        super().__init__()
        self.linear = nn.Linear(inputs, classes)
        self.penalty = penalty

    def forward(self, x: Tensor) -> Tensor:
        squares = self.linear.weight.square().sum() + self.linear.bias.square().sum()
        return torch.cat([self.linear(x), (self.penalty / 2 * squares).expand(len(x), 1)], dim=1)


class Quadratic(nn.Module):
    """Returns 0.5 (θ − x)ᵀ Q (θ − x) for each point x, shape [N]; θ begins at 1."""

    hessian: Tensor

    def __init__(self, hessian: np.ndarray):
        super().__init__()
        self.theta = nn.Parameter(torch.ones(len(hessian)))
        self.register_buffer("hessian", torch.tensor(hessian, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        apart = self.theta - x
        return 0.5 * ((apart @ self.hessian) * apart).sum(dim=-1)


class Transformer(nn.Module):
    """One block: attention and a perceptron, each after a layer norm; logits from the last position.

    Takes tokens [N, positions], int64; returns [N, outputs]. The attention is written out, so that it can be computed
    for many networks together.
    """

    def __init__(self, tokens: int, outputs: int, *, positions: int, width: int, heads: int, hidden: int):
        super().__init__()
        self.heads = heads
        self.token = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.empty(positions, width))
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.before_perceptron = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.before_logits = nn.LayerNorm(width)
        self.logits = nn.Linear(width, outputs, bias=False)
        for embedding in (self.token.weight, self.position):
            nn.init.normal_(embedding, std=0.02)  # as GPT-2 does

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.position
        x = x + self.attended(self._attention(self.before_attention(x)))
        x = x + self.perceptron(self.before_perceptron(x))
        return self.logits(self.before_logits(x[:, -1]))

    def _attention(self, x: Tensor) -> Tensor:
        """Let every position look at all of them; [N, positions, width] to the same shape."""
        split = self.queries_keys_values(x).unflatten(-1, (3, self.heads, -1))
        q, k, v = (part.transpose(1, 2) for part in split.unbind(2))
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return (weights @ v).transpose(1, 2).flatten(2)
