"""The changes a scenario is made of, under the names that the rest of the library uses."""

from territory.study.words.changes import (
    ChangeCapacity,
    ChangePopulation,
    ChangeSpeeds,
    CloseSite,
    MergeEstablishments,
    MoveSite,
    OpenBranch,
    OpenSite,
    PoolSites,
    Scenario,
    TransferAuthorisation,
)

__all__ = [
    "ChangeCapacity",
    "ChangePopulation",
    "ChangeSpeeds",
    "CloseSite",
    "MergeEstablishments",
    "MoveSite",
    "OpenBranch",
    "OpenSite",
    "PoolSites",
    "Scenario",
    "TransferAuthorisation",
]
