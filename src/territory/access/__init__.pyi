from . import decay as decay
from . import deserts as deserts
from . import equity as equity
from . import streamed as streamed
from . import zoning as zoning
from .allocation import Allocation as Allocation
from .allocation import allocate_places as allocate_places
from .catchments.floating_catchment import (
    APL_PROFILES as APL_PROFILES,
)
from .catchments.floating_catchment import (
    AplProfile as AplProfile,
)
from .catchments.floating_catchment import (
    apl as apl,
)
from .catchments.floating_catchment import (
    choice_shares as choice_shares,
)
from .catchments.floating_catchment import (
    floating_catchment_area as floating_catchment_area,
)
from .catchments.floating_catchment import (
    gp_headcount_access as gp_headcount_access,
)
from .catchments.floating_catchment import (
    gravity as gravity,
)
from .catchments.floating_catchment import (
    mean_by as mean_by,
)
from .catchments.floating_catchment import (
    spatial_availability as spatial_availability,
)
from .closest import coverage as coverage
from .closest import time_to_closest as time_to_closest
from .paths import (
    coordination_reach as coordination_reach,
)
from .paths import (
    recruitment_by_site as recruitment_by_site,
)
from .paths import (
    recruitment_by_zone as recruitment_by_zone,
)
from .uncertainty import told_apart as told_apart
