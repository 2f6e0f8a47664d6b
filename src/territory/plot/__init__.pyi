from . import charts as charts
from . import interactive as interactive
from . import maps as maps
from . import style as style
from .showing import explore as explore
from .showing import show as show
