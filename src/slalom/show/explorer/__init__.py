"""The interactive page: drag the start, and every path redraws at once."""
