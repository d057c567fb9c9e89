"""Compare each universal function, fold and cast with stock numpy: ``python benches/ufuncs --help``."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from cells import DTYPES, operations  # noqa: E402
from grid import main  # noqa: E402

if __name__ == "__main__":
    main(HERE, __doc__, ["ufunc", "scalar", "fold", "cast", "where"], DTYPES, operations)
