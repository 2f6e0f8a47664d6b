"""Places and professionals per site: what each site offers, what may be summed, and what is unknown."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "equipment": [
            "with_equipment",
            "complete_services",
            "rows_serving",
            "site_of_authorisation",
            "sites_of",
            "sites_serving",
        ],
        "places": ["equipment_rate", "places_by_authorisation", "places_by_site", "places_by_zone"],
    },
)
