"""Constants with their unit in their name, and the few conversions that the library allows."""

MINUTES_PER_HOUR = 60.0
SECONDS_PER_MINUTE = 60.0
MILLISECONDS_PER_MINUTE = 60_000
METRES_PER_KILOMETRE = 1_000.0
SQUARE_METRES_PER_SQUARE_KILOMETRE = 1_000_000.0
