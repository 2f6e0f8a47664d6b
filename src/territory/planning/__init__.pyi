from .grouping.answer import pooling as pooling
from .grouping.answer import pooling_template as pooling_template
from .grouping.groups import GroupingResult as GroupingResult
from .grouping.groups import territorial_groups as territorial_groups
from .siting.answer import (
    SitingAnswer as SitingAnswer,
)
from .siting.answer import (
    answer_siting as answer_siting,
)
from .siting.answer import (
    rank_candidates as rank_candidates,
)
from .siting.location_models import (
    maximal_coverage as maximal_coverage,
)
from .siting.location_models import (
    p_center as p_center,
)
from .siting.location_models import (
    p_median as p_median,
)
from .siting.location_models import (
    set_cover as set_cover,
)
from .siting.result import SitingResult as SitingResult
from .typologies import TypologyResult as TypologyResult
from .typologies import typology as typology
