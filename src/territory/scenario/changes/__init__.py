"""What a scenario changes: the kinds of change under their public names, each carried out in a draft of the state."""

from territory.study.words.changes import ChangeCapacity as ChangeCapacity
from territory.study.words.changes import ChangePopulation as ChangePopulation
from territory.study.words.changes import ChangeSpeeds as ChangeSpeeds
from territory.study.words.changes import CloseSite as CloseSite
from territory.study.words.changes import MergeEstablishments as MergeEstablishments
from territory.study.words.changes import MoveSite as MoveSite
from territory.study.words.changes import OpenBranch as OpenBranch
from territory.study.words.changes import OpenSite as OpenSite
from territory.study.words.changes import PoolSites as PoolSites
from territory.study.words.changes import TransferAuthorisation as TransferAuthorisation
from territory.study.words.scenario import Scenario as Scenario
