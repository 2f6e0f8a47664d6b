from .persons import KINDS_COMPARABLE_WITH_PLACES as KINDS_COMPARABLE_WITH_PLACES
from .persons import demand_from_rate as demand_from_rate
from .persons import grow_population as grow_population
from .persons import persons_by_age as persons_by_age
from .persons import project_population as project_population
from .persons import scale_to_total as scale_to_total
from .persons import standardised_population as standardised_population
