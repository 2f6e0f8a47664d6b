from .collective import collective_rounds as collective_rounds
from .collective import ride_limit_curve as ride_limit_curve
from .result import RoundPrices as RoundPrices
from .result import Rounds as Rounds
from .staff import staff_rounds as staff_rounds
