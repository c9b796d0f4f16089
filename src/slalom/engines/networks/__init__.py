"""The three engines on tasks: networks trained one by one, with the real classes together, or by update rules."""

from slalom.engines.networks.solo import solo

__all__ = ["solo"]
