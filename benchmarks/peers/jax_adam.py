"""The peer: Adam on x² + y² in JAX and optax, `scan` over steps and `vmap` over lanes, float64, one core.

Prints the seconds of one run after compilation: the median of several.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

lanes, steps, repeats = (int(word) for word in sys.argv[1:4])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402

jax.config.update("jax_enable_x64", True)
optimizer = optax.adam(1.0)


def loss(point):
    return jnp.sum(point**2)


def run(start):
    def step(carry, _):
        point, state = carry
        updates, state = optimizer.update(jax.grad(loss)(point), state)
        point = optax.apply_updates(point, updates)
        return (point, state), point

    _, path = jax.lax.scan(step, (start, optimizer.init(start)), None, length=steps)
    return path


everyone = jax.jit(jax.vmap(run))
starts = jax.random.uniform(jax.random.key(0), (lanes, 2), jnp.float64, -100, 100)
everyone(starts).block_until_ready()
times = []
for _ in range(repeats):
    begin = time.perf_counter()
    everyone(starts).block_until_ready()
    times.append(time.perf_counter() - begin)
print(statistics.median(times))
