from .communes import commune_of_arrondissement as commune_of_arrondissement
from .communes import inside_points as inside_points
from .communes import projected_epsg as projected_epsg
from .communes import to_cog as to_cog
