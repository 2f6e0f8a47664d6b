"""What a study can be fed with: one slot per official file, with its readers, its registry rows and its template line.

Everything that knows an official file knows it from `SLOTS`: the keys of the `[data]` section, the reading, the study
that `territory init` writes, what `territory doctor` and `territory data list` say, the fuzz targets and the corpus
of broken files. To add a file: a reader in `territory.sources`, a slot here, a sample in `tests/sources/broken.py`.
"""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from territory.datasets import forms
from territory.errors import ReadError, TerritoryError, UnknownCodeError

# general practitioners in the BPE: their code until 2022, and since
GP_TYPES = ("D201", "D265")
# pharmacies: their code until 2020, and since
PHARMACY_TYPES = ("D301", "D307")
_LAYERS = (".geojson", ".json", ".gpkg", ".shp", ".zip")
_JSON = (".json", "json.gz")


@dataclass(frozen=True)
class Reader:
    """One way to read the file of a slot: a reader of `territory.sources` and what brings its table to the slot's form.

    `form` is what the file is called in French. The reader is tried on the names that end with one of `suffixes` and
    the texts that begin with one of `starts` (any, when empty). `by_departement` readers keep the départements around
    the study.
    """

    name: str
    form: str
    options: Mapping[str, Any] = field(default_factory=dict)
    suffixes: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    by_departement: bool = False
    then: Callable[[Any], Any] | None = None

    def suits(self, path: Path) -> bool:
        """Say whether the name and the first bytes of a file let this reader be tried."""
        if self.suffixes and not path.name.lower().endswith(self.suffixes):
            return False
        if not self.starts:
            return True
        with path.open("rb") as stream:
            return stream.read(200).decode("latin-1").startswith(self.starts)

    def __call__(self, path: Path, departements: Collection[str] | None = None) -> Any:
        """Read a file."""
        from territory import sources

        around = {"departements": departements} if self.by_departement else {}
        table = getattr(sources, self.name)(path, **self.options, **around)
        return table if self.then is None else self.then(table)


@dataclass(frozen=True)
class Slot:
    """One official file of a study: its key in `[data]`, the table that it fills, and its readers, tried in turn.

    `need` is `always`, `usually` (a first study has it) or `optional`. `without` says in French what is lost without
    the file. `registry` names the datasets that bring it, best first, and `member` its file among those of an
    archive. A file `by_vintage` is given once per census.
    """

    key: str
    table: str
    readers: tuple[Reader, ...]
    need: Literal["always", "usually", "optional"]
    comment: str
    without: str
    registry: tuple[str, ...] = ()
    member: str = "*"
    by_vintage: bool = False

    def read(self, path: Path, *, departements: Collection[str] | None = None) -> Any:
        """Read a file by the first reader that takes it; what is said of it is what that reader says.

        Raises
        ------
        ReadError
            With the refusal of each reader that was tried.
        """
        refusals: list[tuple[Reader, TerritoryError]] = []
        for reader in self.readers:
            if not reader.suits(path):
                continue
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                try:
                    table = reader(path, departements)
                except TerritoryError as error:
                    refusals.append((reader, error))
                    continue
            for warning in heard:
                warnings.warn(str(warning.message), warning.category, stacklevel=2)
            return table
        if len(refusals) == 1:
            raise refusals[0][1]
        forms_known = ", ".join(f"{reader.form}{_ends(reader)}" for reader in self.readers)
        reasons = "".join(f"\n  lu comme {reader.form} : {error}" for reader, error in refusals)
        raise ReadError(
            f"Fichier « {path.name} » : ce n'est aucune des formes attendues ({forms_known}) ; vérifiez que c'est le "
            f"bon fichier, décompressé.{reasons}"
        )

    def takes(self, name: str) -> bool:
        """Say whether a file of this name, in the folder of a dataset, may be the one of this slot."""
        return fnmatch.fnmatch(name.lower(), self.member.lower())


def _ends(reader: Reader) -> str:
    """Return the ends of names that a reader takes, in words."""
    return f" en {' ou '.join(reader.suffixes)}" if reader.suffixes else ""


SLOTS: tuple[Slot, ...] = (
    Slot(
        "cog",
        "communes",
        (Reader("read_cog_communes", "communes du code officiel géographique"),),
        "always",
        "communes de l'année (INSEE)",
        "aucune commune n'est connue",
        ("cog-communes",),
    ),
    Slot(
        "points",
        "communes",
        (
            Reader("read_outlines", "contours de communes", suffixes=_LAYERS, then=forms.points_inside),
            Reader("read_commune_points", "table de points de communes", then=forms.points_alone),
        ),
        "always",
        "contours de communes (IGN), ou table de points : commune_code, longitude, latitude, area_km2",
        "aucune commune n'a de place, ni de surface",
        ("contours-communes", "admin-express-cog"),
    ),
    Slot(
        "movements",
        "population",
        (Reader("read_cog_movements", "mouvements de communes"),),
        "usually",
        "fusions et scissions de communes (INSEE)",
        "un recensement d'une autre géographie que celle de l'étude ne peut pas servir",
        ("cog-mouvements",),
    ),
    Slot(
        "ages",
        "population",
        (
            Reader("read_age_shares", "parts de trois tranches d'âge", then=forms.three_shares),
            Reader("read_population_structure", "évolution et structure de la population"),
            Reader("read_iris_population", "population par IRIS"),
            Reader("read_single_ages", "population par âge détaillé", by_departement=True),
        ),
        "always",
        "parts d'âge, ou tranches par commune (base-cc), par IRIS (base-ic) ou âges détaillés (TD_POP1B)",
        "les habitants n'ont pas d'âge : aucun besoin ne peut être compté",
        ("parts-ages", "population-structure", "population-iris", "population-ages"),
    ),
    Slot(
        "young",
        "population",
        (Reader("read_young_population", "habitants de 0 à 14 ans"),),
        "optional",
        "enfants de 0 à 14 ans des communes de plus de 2 000 habitants, avec les parts de trois tranches",
        "les moins de 25 ans ne sont pas partagés entre 0-14 et 15-24 ans",
    ),
    Slot(
        "epci",
        "communes",
        (Reader("read_epci", "composition communale des EPCI"),),
        "always",
        "composition communale des EPCI (Banatic)",
        "les communes n'ont pas d'intercommunalité",
        ("banatic-epci",),
    ),
    Slot(
        "finess",
        "sites",
        (
            Reader("read_finess_plus", "structures de FINESS+", suffixes=_JSON),
            Reader(
                "read_finess_sites",
                "établissements géolocalisés de FINESS",
                starts=("finess;", "structureet;", "geolocalisation;"),
            ),
            Reader("read_finess_flat", "table de FINESS avec titres"),
        ),
        "optional",
        "établissements (FINESS)",
        "aucun établissement : ni temps d'accès, ni offre",
        ("finess-etablissements", "finess-structures"),
    ),
    Slot(
        "finess_equipment",
        "services",
        (
            Reader("read_finess_plus_equipment", "activités de FINESS+", suffixes=_JSON),
            Reader("read_finess_equipment", "équipements de FINESS", options={"installed_only": False}),
        ),
        "optional",
        "places, âges et publics des établissements (FINESS) ; avec « finess »",
        "les places sont inconnues : ni places à portée, ni enfants sans place",
        ("finess-equipements", "finess-activites", "finess-autorisations"),
    ),
    Slot(
        "emergencies",
        "services",
        (Reader("read_sae_emergency", "urgences de la SAE"),),
        "optional",
        "services d'urgences (SAE, URGENCES_P) ; avec « finess » ou « hospitals », qui les placent",
        "aucun temps d'accès aux urgences",
        ("sae",),
        member="URGENCES_P*",
    ),
    Slot(
        "hospitals",
        "sites",
        (Reader("read_sae_sites", "établissements de la SAE"),),
        "optional",
        "commune de chaque hôpital (SAE, ID), pour les urgences que FINESS ne place pas",
        "les urgences d'un site absent de FINESS sont laissées de côté",
        ("sae",),
        member="ID_*",
    ),
    Slot(
        "ehpad",
        "sites",
        (Reader("read_ehpad", "prix des EHPAD", suffixes=_LAYERS),),
        "optional",
        "points des EHPAD (CNSA), seulement sans « finess », qui les a déjà",
        "sans FINESS non plus, aucun EHPAD",
        ("ehpad-prix",),
    ),
    Slot(
        "general_practitioners",
        "services",
        (
            # from its titles alone it refuses a table of counts, which holds in memory
            Reader(
                "read_bpe_points",
                "équipements de la BPE, un par ligne",
                options={"types": GP_TYPES},
                by_departement=True,
                then=forms.count_by_commune,
            ),
            *(
                Reader("read_bpe_counts", f"équipements {code} de la BPE par commune", {"type_code": code})
                for code in GP_TYPES
            ),
        ),
        "optional",
        "médecins généralistes par commune (BPE)",
        "aucun temps d'accès à un médecin généraliste",
        ("bpe",),
    ),
    Slot(
        "pharmacies",
        "services",
        (
            Reader(
                "read_bpe_points",
                "équipements de la BPE, un par ligne",
                options={"types": PHARMACY_TYPES},
                by_departement=True,
                then=forms.count_by_commune,
            ),
            *(
                Reader("read_bpe_counts", f"équipements {code} de la BPE par commune", {"type_code": code})
                for code in PHARMACY_TYPES
            ),
        ),
        "optional",
        "pharmacies par commune (BPE)",
        "le critère « plus de 10 min d'une pharmacie » est non calculable",
        ("bpe",),
    ),
    Slot(
        "emergency_times",
        "published",
        (Reader("read_emergency_times", "minutes vers les urgences ou un SMUR, par commune"),),
        "optional",
        "minutes publiées vers la commune la plus proche avec des urgences ou un SMUR (DREES, jeu 2943)",
        "le critère « plus de 30 min des urgences ou d'un SMUR » n'est qu'estimé, ou non calculable",
        ("acces-urgences",),
    ),
    Slot(
        "apl",
        "published",
        (
            Reader("read_apl", "classeur de l'APL", suffixes=(".xlsx",), then=forms.apl_of_its_year),
            Reader("read_apl_by_year", "APL par commune, une colonne par année"),
        ),
        "optional",
        "APL aux médecins généralistes publiée par commune (DREES)",
        "le critère « APL de moins de 2,5 » est non calculable",
        ("apl-medecins",),
    ),
    Slot(
        "population_grid",
        "communes",
        (Reader("read_population_grid", "carreaux de population", by_departement=True),),
        "optional",
        "carreaux de 200 m (INSEE) : le point d'une commune est alors là où l'on habite",
        "le point d'une commune est au centre de son contour",
        ("filosofi-200m",),
    ),
    Slot(
        "populations",
        "population",
        (Reader("read_legal_population", "populations légales"),),
        "always",
        "populations légales (INSEE), une par recensement",
        "aucun habitant",
        ("population-legale",),
        by_vintage=True,
    ),
)


def slot_of(key: str) -> Slot:
    """Return the slot of a key of `[data]`, that of one census included.

    Examples
    --------
    >>> slot_of("populations.rp2021").table
    'population'
    """
    name = key.partition(".")[0]
    for slot in SLOTS:
        if slot.key == name:
            return slot
    raise UnknownCodeError(
        f"Clé de [data] inconnue « {key} » ; clés connues : {', '.join(s.key for s in SLOTS)}."
    )


def slots_fed_by(dataset: str) -> tuple[Slot, ...]:
    """Return the slots that a dataset of the registry brings a file to.

    Examples
    --------
    >>> [slot.key for slot in slots_fed_by("sae")]
    ['emergencies', 'hospitals']
    """
    return tuple(slot for slot in SLOTS if dataset in slot.registry)
