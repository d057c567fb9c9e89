"""numpy's compiled half, in Rust.

    python -m micronumpy script.py      run a program on micronumpy's numpy
    import micronumpy.numpy_hook        the same inside a running Python, before numpy is imported
    python -m micronumpy.info           what is running: versions, processor, where numpy's Python layer comes from
"""

import sys

# The executable has the native half built in; in the installed package it is an extension module.
if "_micronumpy" in sys.builtin_module_names:
    import _micronumpy
else:
    from . import _micronumpy

__version__ = _micronumpy.version
__all__ = ["__version__"]
