"""Print what every line of a list of expressions gives: its repr, or the exception it raises, and the warnings.

Lines that start with an @ prepare names for those that follow.
"""

import math
import sys
import warnings

import numpy as np

prepared = {"np": np, "math": math}


def run(line):
    *statements, expression = line.split("; ") if "; " in line else [line]
    scope = dict(prepared)
    for statement in statements:
        exec(statement, scope)
    try:
        code = compile(expression, "<call>", "eval")
    except SyntaxError:
        exec(expression, scope)
        return None
    return eval(code, scope)


for line in open(sys.argv[1], encoding="utf-8"):
    line = line.strip()
    if not line or line.startswith("#"):
        continue
    if line.startswith("@"):
        exec(line[1:].strip(), prepared)
        continue
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = repr(run(line))
        except Exception as error:
            outcome = f"{type(error).__module__}.{type(error).__name__}: {error}"
    print(f">>> {line}")
    for warning in caught:
        print(f"!!! {warning.category.__name__}: {warning.message}")
    print(outcome)
