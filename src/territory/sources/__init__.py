"""Outside data in: one reader per producer, each to the tables of the library."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "fetching.archives": ["unpack"],
        "fetching.download": ["Patience", "download"],
        "fetching.fetch": ["fetch"],
        "fetching.raw_folder": ["check_stored", "read_stored"],
        "field_answers": ["FieldAnswers", "read_template"],
        "field_workbook": ["write_template"],
        "producers.drees": [
            "read_apl",
            "read_apl_by_year",
            "read_ehpad",
            "read_emergency_times",
            "read_sae_emergency",
            "read_sae_psychiatry",
            "read_sae_sites",
        ],
        "producers.finess.extracts": [
            "read_finess_equipment",
            "read_finess_flat",
            "read_finess_flat_equipment",
            "read_finess_sites",
        ],
        "producers.finess.finess_plus": ["read_finess_plus", "read_finess_plus_equipment"],
        "producers.ign": ["read_admin_express", "read_commune_points", "read_features", "read_outlines"],
        "producers.insee.ages": ["read_iris_population", "read_population_structure", "read_single_ages"],
        "producers.insee.communes": [
            "read_cog_communes",
            "read_cog_movements",
            "read_age_shares",
            "read_legal_population",
            "read_young_population",
        ],
        "producers.insee.places": ["read_bpe_counts", "read_bpe_points", "read_population_grid"],
        "producers.zonings": ["ZONINGS", "read_epci", "read_zoning"],
        "registry": ["find", "read_registry"],
        "text.cells": ["to_numbers"],
        "text.tables": ["read_table", "require_columns"],
    },
)
