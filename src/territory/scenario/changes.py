"""The changes a scenario is made of, under the names that the rest of the library uses."""

from territory.study.changes import ChangeCapacity, CloseSite, MoveSite, OpenSite, Scenario

__all__ = ["ChangeCapacity", "CloseSite", "MoveSite", "OpenSite", "Scenario"]
