"""Importing this module makes ``import numpy`` load micronumpy's numpy in this process, and has loops compiled that are
loaded from now on."""

import sys

from . import _micronumpy
from .finder import Finder

__all__ = ["finder"]


def _install():
    if "numpy" in sys.modules:
        raise ImportError("micronumpy.numpy_hook has to be imported before numpy is")
    finder = Finder()
    sys.meta_path.insert(0, finder)
    _micronumpy.install_hook()
    return finder


#: The finder now at the front of ``sys.meta_path``.
finder = _install()
