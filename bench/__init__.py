"""Measurements behind the promises of speed: ratios to peers, or to a bare floor, within one run."""
