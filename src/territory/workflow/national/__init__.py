"""Studies of a whole country: travel times written part by part, and the measures over the parts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
