"""The measures that also take a table of travel times part by part; alone, as it is a public name.

A part is a table with all the pairs of its origins, or a function without argument that gives one (that reads a file,
say): only a few are held at a time. Each measure is a map over the parts and one reduction, and takes the `mapper`
that runs the map: `map` by default, that of an executor, of a pool or of a cluster. The results are those on the whole
table, bit for bit, whatever the parts, their order and the mapper.
"""

from territory.access.catchments.floating_catchment import apl, floating_catchment_area, gp_headcount_access
from territory.access.closest import coverage, time_to_closest
from territory.access.pairs import Mapper, Part, sites_only

__all__ = ["Mapper", "Part", "sites_only"]
__all__ += ["apl", "coverage", "floating_catchment_area", "gp_headcount_access", "time_to_closest"]
