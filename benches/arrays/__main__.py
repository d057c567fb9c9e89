"""Compare indexing, sorting, joining and copying with stock numpy: ``python benches/arrays --help``."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from cells import DTYPES, KINDS, operations  # noqa: E402
from grid import main  # noqa: E402

if __name__ == "__main__":
    main(HERE, __doc__, list(KINDS), DTYPES, operations)
