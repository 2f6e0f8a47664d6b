from .gtfs import read_gtfs as read_gtfs
from .timetable import Timetable as Timetable
