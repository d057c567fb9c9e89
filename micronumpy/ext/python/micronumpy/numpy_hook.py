"""Importing this module makes ``import numpy`` load micronumpy's numpy in this process."""

import sys

from .finder import Finder

__all__ = ["finder"]


def _install():
    if "numpy" in sys.modules:
        raise ImportError("micronumpy.numpy_hook has to be imported before numpy is")
    finder = Finder()
    sys.meta_path.insert(0, finder)
    return finder


#: The finder now at the front of ``sys.meta_path``.
finder = _install()
