"""Routing on plain arrays: nodes numbered from 0, times in whole ms (int32), `UNREACHED` where no path leads."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
