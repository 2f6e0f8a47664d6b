"""Every table and column declared once, as data: what others check, label and format comes from here."""

import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import lazy_loader


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return what loads the public names of a room when they are asked for, its functions at the door of `accepting`.

    The names are those of the stub beside the room (`__init__.pyi`), which editors read too.
    """
    load, listed, names = lazy_loader.attach_stub(package, file)

    def get(name: str) -> Any:
        if name not in names:
            from difflib import get_close_matches

            near = "".join(f" : vouliez-vous « {one} » ?" for one in get_close_matches(name, names, n=1))
            raise AttributeError(f"{package} n'a pas de « {name} »{near or '.'}", name=name)
        value = load(name)
        if isinstance(value, FunctionType):
            from territory.tables.arguments import accepting

            value = accepting(value)
            # where a pickle finds it again
            value.__module__ = package
            setattr(sys.modules[package], name, value)
        return value

    return get, listed, names
