from . import access as access
from . import datasets as datasets
from . import geography as geography
from . import needs as needs
from . import network as network
from . import notebooks as notebooks
from . import planning as planning
from . import plot as plot
from . import release as release
from . import report as report
from . import rounds as rounds
from . import scenario as scenario
from . import sources as sources
from . import supply as supply
from . import transit as transit
from .errors import TerritoryError as TerritoryError
from .result import StudyResult as StudyResult
from .study import Study as Study
from .study import load_study as load_study
from .workflow import run_study as run_study

__version__: str
