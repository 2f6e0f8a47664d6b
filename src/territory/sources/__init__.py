"""Outside data in: one reader per producer, each to the tables of the library."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "banatic": ["read_epci"],
        "bpe": ["read_bpe_counts"],
        "bpe_points": ["read_bpe_points"],
        "cnsa": ["read_ehpad"],
        "cog": ["read_cog_communes", "read_cog_movements"],
        "drees": ["read_sae_emergency", "read_sae_psychiatry", "read_sae_sites"],
        "drees_apl": ["read_apl"],
        "downloading": ["Patience", "download"],
        "fetching": ["fetch"],
        "field_answers": ["FieldAnswers", "read_template"],
        "field_template": ["write_template"],
        "filosofi": ["read_population_grid"],
        "finess": ["read_finess_equipment", "read_finess_sites"],
        "finess_flat": ["read_finess_flat", "read_finess_flat_equipment"],
        "finess_plus": ["read_finess_plus"],
        "finess_plus_equipment": ["read_finess_plus_equipment"],
        "ign": ["read_admin_express", "read_features", "read_outlines"],
        "insee": ["read_age_shares", "read_legal_population", "read_young_population"],
        "insee_ages": ["read_iris_population", "read_population_structure"],
        "insee_single_ages": ["read_single_ages"],
        "numbers": ["to_numbers"],
        "registry": ["find", "read_registry"],
        "storing": ["check_stored", "read_stored"],
        "tabular": ["read_table", "require_columns"],
        "unpacking": ["unpack"],
        "zonings": ["ZONINGS", "read_zoning"],
    },
)
