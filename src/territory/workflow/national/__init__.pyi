from .parts import TimesFolder as TimesFolder
from .parts import open_times as open_times
from .run import NationalResult as NationalResult
from .run import run_national as run_national
from .schedulers import open_scheduler as open_scheduler
from .write_parts import write_travel_times as write_travel_times
