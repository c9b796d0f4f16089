"""The peer: many 64-32-10 networks trained together in JAX and optax, `scan` over steps, `vmap` over lanes, one core.

Every lane has its own learning rate and its own batches; Adam, batch 64, cross-entropy, float32. Prints the seconds of
one run after compilation: the median of several.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

lanes, steps, repeats = (int(word) for word in sys.argv[1:4])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

SIZE, BATCH, SEEDS = 1152, 64, 5
generator = np.random.default_rng(0)
images = jnp.asarray(generator.uniform(-1, 1, (SIZE, 64)), jnp.float32)
labels = jnp.asarray(generator.integers(0, 10, SIZE))
per_epoch = SIZE // BATCH
orders = np.stack(
    [
        np.concatenate([generator.permutation(SIZE).reshape(per_epoch, BATCH) for _ in range(-(-steps // per_epoch))])
        for _ in range(SEEDS)
    ]
)[:, :steps]
orders = jnp.asarray(orders)


def start(key):
    keys = jax.random.split(key, 4)
    shapes = ((64, 32), (32,), (32, 10), (10,))
    bounds = (1 / 8, 1 / 8, 32**-0.5, 32**-0.5)
    return [jax.random.uniform(k, s, jnp.float32, -b, b) for k, s, b in zip(keys, shapes, bounds, strict=True)]


def loss(parameters, x, y):
    first, bias, second, other = parameters
    logits = jax.nn.relu(x @ first + bias) @ second + other
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def train(parameters, rate, seed):
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=rate)

    def step(carry, chosen):
        parameters, state = carry
        value, gradient = jax.value_and_grad(loss)(parameters, images[chosen], labels[chosen])
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(parameters, updates), state), value

    (parameters, _), losses = jax.lax.scan(step, (parameters, optimizer.init(parameters)), orders[seed])
    return losses


everyone = jax.jit(jax.vmap(train))
rates = jnp.tile(jnp.logspace(-4, -1, lanes // SEEDS), SEEDS)
seeds = jnp.repeat(jnp.arange(SEEDS), lanes // SEEDS)
parameters = jax.vmap(start)(jax.random.split(jax.random.key(0), lanes))
everyone(parameters, rates, seeds).block_until_ready()
times = []
for _ in range(repeats):
    begin = time.perf_counter()
    everyone(parameters, rates, seeds).block_until_ready()
    times.append(time.perf_counter() - begin)
print(statistics.median(times))
