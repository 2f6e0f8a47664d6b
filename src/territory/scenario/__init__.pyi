from .changes import (
    ChangeCapacity as ChangeCapacity,
)
from .changes import (
    ChangePopulation as ChangePopulation,
)
from .changes import (
    ChangeSpeeds as ChangeSpeeds,
)
from .changes import (
    CloseSite as CloseSite,
)
from .changes import (
    MergeEstablishments as MergeEstablishments,
)
from .changes import (
    MoveSite as MoveSite,
)
from .changes import (
    OpenBranch as OpenBranch,
)
from .changes import (
    OpenSite as OpenSite,
)
from .changes import (
    PoolSites as PoolSites,
)
from .changes import (
    Scenario as Scenario,
)
from .changes import (
    TransferAuthorisation as TransferAuthorisation,
)
from .changes.apply import apply as apply
from .comparison.compare import compare as compare
from .measures.compute import compute as compute
from .results import Comparison as Comparison
from .results import Results as Results
