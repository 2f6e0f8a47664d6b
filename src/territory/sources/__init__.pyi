from .fetching.fetch import fetch as fetch
from .fetching.raw_folder import find as find
from .fetching.raw_folder import read_registry as read_registry
from .field_answers import FieldAnswers as FieldAnswers
from .field_answers import read_template as read_template
from .field_workbook import write_template as write_template
from .producers.drees import (
    read_apl as read_apl,
)
from .producers.drees import (
    read_apl_by_year as read_apl_by_year,
)
from .producers.drees import (
    read_ehpad as read_ehpad,
)
from .producers.drees import (
    read_emergency_times as read_emergency_times,
)
from .producers.drees import (
    read_equipment_references as read_equipment_references,
)
from .producers.drees import (
    read_has_evaluations as read_has_evaluations,
)
from .producers.drees import (
    read_sae_emergency as read_sae_emergency,
)
from .producers.drees import (
    read_sae_sites as read_sae_sites,
)
from .producers.finess.extracts import (
    read_finess_equipment as read_finess_equipment,
)
from .producers.finess.extracts import (
    read_finess_flat as read_finess_flat,
)
from .producers.finess.extracts import (
    read_finess_sites as read_finess_sites,
)
from .producers.finess.finess_plus import (
    read_finess_plus as read_finess_plus,
)
from .producers.finess.finess_plus import (
    read_finess_plus_equipment as read_finess_plus_equipment,
)
from .producers.ign import read_commune_points as read_commune_points
from .producers.ign import read_outlines as read_outlines
from .producers.insee.ages import (
    read_iris_population as read_iris_population,
)
from .producers.insee.ages import (
    read_population_structure as read_population_structure,
)
from .producers.insee.ages import (
    read_single_ages as read_single_ages,
)
from .producers.insee.communes import (
    read_age_shares as read_age_shares,
)
from .producers.insee.communes import (
    read_care_territories as read_care_territories,
)
from .producers.insee.communes import (
    read_cog_communes as read_cog_communes,
)
from .producers.insee.communes import (
    read_cog_movements as read_cog_movements,
)
from .producers.insee.communes import (
    read_epci as read_epci,
)
from .producers.insee.communes import (
    read_households_without_car as read_households_without_car,
)
from .producers.insee.communes import (
    read_legal_population as read_legal_population,
)
from .producers.insee.communes import (
    read_young_population as read_young_population,
)
from .producers.insee.places import (
    read_bpe_counts as read_bpe_counts,
)
from .producers.insee.places import (
    read_bpe_points as read_bpe_points,
)
from .producers.insee.places import (
    read_population_grid as read_population_grid,
)
from .text.tables import read_table as read_table
