"""What a scenario changes: the kinds of change under their public names, each carried out in a draft of the state."""

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
    TransferAuthorisation,
)
from territory.study.words.scenario import Scenario

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
