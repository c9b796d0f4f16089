"""What every worker needs, imported once by the process from which they are forked. Nothing is computed here."""

import torch
import torch._dynamo

import slalom.engines.networks
import slalom.lab.worker_process
import slalom.optimizers
import slalom.tasks

__all__ = ["slalom", "torch"]
