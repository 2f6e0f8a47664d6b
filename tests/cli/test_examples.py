"""What small functions of `territory.cli` give, by example."""

from __future__ import annotations

from territory.cli import french


def test_french_in_french() -> None:
    assert french.in_french("No such command 'rum'.") == "Commande inconnue : « rum »."
