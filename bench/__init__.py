"""Measurements behind the promises of speed: ratios to peers, or to a bare floor, within one run.

    python -m bench                                all groups, with peers beside
    python -m bench startup listing                some of them
    python -m bench.against CHECKOUT               this checkout against another commit, interleaved, median of five
    python -m bench.against CHECKOUT startup       some groups only

`bench.against` prints the ratio of each row, new to old, and fails if one is more than 5 % slower; its docstring says
how it measures.
"""
