"""Outside data in: one reader per producer, each to the tables of the library."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "producers.banatic": ["read_epci"],
        "producers.insee.bpe": ["read_bpe_counts"],
        "producers.insee.bpe_points": ["read_bpe_points"],
        "producers.cnsa": ["read_ehpad"],
        "producers.insee.cog": ["read_cog_communes", "read_cog_movements"],
        "producers.drees.sae": ["read_sae_emergency", "read_sae_psychiatry", "read_sae_sites"],
        "producers.drees.apl": ["read_apl"],
        "fetching.download": ["Patience", "download"],
        "fetching.fetch": ["fetch"],
        "field.read": ["FieldAnswers", "read_template"],
        "field.write": ["write_template"],
        "producers.insee.population_grid": ["read_population_grid"],
        "producers.finess.historic": ["read_finess_equipment", "read_finess_sites"],
        "producers.finess.flat": ["read_finess_flat", "read_finess_flat_equipment"],
        "producers.finess.finess_plus": ["read_finess_plus"],
        "producers.finess.activities": ["read_finess_plus_equipment"],
        "producers.ign": ["read_admin_express", "read_features", "read_outlines"],
        "producers.insee.legal_population": [
            "read_age_shares",
            "read_legal_population",
            "read_young_population",
        ],
        "producers.insee.age_bands": ["read_iris_population", "read_population_structure"],
        "producers.insee.single_ages": ["read_single_ages"],
        "text.numbers": ["to_numbers"],
        "registry": ["find", "read_registry"],
        "fetching.raw_folder": ["check_stored", "read_stored"],
        "text.tables": ["read_table", "require_columns"],
        "fetching.archives": ["unpack"],
        "producers.zonings": ["ZONINGS", "read_zoning"],
    },
)
