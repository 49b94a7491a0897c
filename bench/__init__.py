"""Measurements of the promised speed: ratios to other libraries or to a minimal program, within one run.

    python -m bench                                all groups, compared with other libraries
    python -m bench startup listing                only these groups
    python -m bench.against CHECKOUT               this checkout against another commit, in turns, median of five
    python -m bench.against CHECKOUT startup       only these groups

`bench.against` prints the ratio of each row, new to old, and fails if a row is more than 5 % slower. Its docstring
explains the method.
"""
