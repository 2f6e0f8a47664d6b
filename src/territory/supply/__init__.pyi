from .equipment import (
    complete_services as complete_services,
)
from .equipment import (
    rows_serving as rows_serving,
)
from .equipment import (
    sites_of as sites_of,
)
from .equipment import (
    sites_serving as sites_serving,
)
from .equipment import (
    with_equipment as with_equipment,
)
from .places import (
    equipment_rate as equipment_rate,
)
from .places import (
    places_by_authorisation as places_by_authorisation,
)
from .places import (
    places_by_site as places_by_site,
)
from .places import (
    places_by_zone as places_by_zone,
)
