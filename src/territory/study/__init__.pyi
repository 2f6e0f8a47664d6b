from .load import built_in_studies as built_in_studies
from .load import load_study as load_study
from .state import Parameters as Parameters
from .state import State as State
from .words.changes import (
    Change as Change,
)
from .words.changes import (
    ChangeCapacity as ChangeCapacity,
)
from .words.changes import (
    CloseSite as CloseSite,
)
from .words.changes import (
    MoveSite as MoveSite,
)
from .words.changes import (
    OpenSite as OpenSite,
)
from .words.model import (
    Authorisation as Authorisation,
)
from .words.model import (
    Need as Need,
)
from .words.model import (
    NewService as NewService,
)
from .words.model import (
    NewSite as NewSite,
)
from .words.model import (
    Study as Study,
)
from .words.model import (
    Trip as Trip,
)
from .words.questions import Grouping as Grouping
from .words.questions import Siting as Siting
from .words.scenario import Scenario as Scenario
