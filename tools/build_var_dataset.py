"""Rebuild the embedded dataset of the Var from the official files.

Run ``python tools/build_var_dataset.py --from DIR`` with the official files in DIR (the layout is
`FILES`). Everything is checked before anything is written; the same files give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
import warnings
from pathlib import Path

import calibrate_travel_times
import geopandas as gpd
import pandas as pd
import shapely

from territory import geography, sources
from territory.errors import (
    Problems,
    SchemaError,
    TerritoryError,
    TerritoryWarning,
    UnknownCodeError,
    examples,
    refuse,
)
from territory.network.estimate import fit_slowness
from territory.sources.text.cells import to_numbers

FACTS = Path(__file__).parent / "var_facts"
OUT = Path(__file__).parents[1] / "src" / "territory" / "datasets" / "var"
FILES = {
    "outlines": "boundaries/communes-paca.geojson",
    "cog": "cog/v_commune_2024.csv",
    "epci": "cog/epcicom2024.xlsx",
    "rp2021": "population/donnees_communes_rp2021.csv",
    "rp2017": "population/communes_rp2017.csv",
    "rp2016": "population/ensemble_rp2016.xls.gz",
    "ages": "population/age_shares_rp2020.xlsx",
    "young": "population/rp2018_age_communes_over_2000.csv",
    "gps": "gps/bpe_d201_gp_per_commune.csv",
    "sae": "care_sites/ID_2023r.csv",
    "psychiatry": "care_sites/PSY_2023r.csv",
    "emergency": "care_sites/URGENCES_P_2023r.csv",
    "ehpad": "care_sites/ehpad_cnsa_2023.geojson",
    "bpe2013": "care_sites/bpe2013_health_by_commune.csv",
    "mairies": "boundaries/mairies.csv",
    "addresses": "care_sites/var_emergency_sites_2026.csv",
    "older_addresses": "care_sites/hospitals_eurostat_2020.csv",
    "emergency_times": "traveltimes/communes_to_emergency_drees_2019.csv",
    "apl": "gps/apl_gp_by_commune.csv",
}
# a mairie or an address farther than this from its commune is an error of the file
FARTHEST_KM = 20.0
DEPARTEMENT = "83"
BUFFER_KM = 45
COG_YEAR = 2024
# equal-area system of Europe: an area in Lambert-93 is a tenth of a per cent too large here
EQUAL_AREA = 3035
SIMPLIFY_M = 150
# about 10 m: neighbours keep the same corners, for each corner is rounded in the same way
DECIMALS = 4
VINTAGES = ("rp2021", "rp2017", "rp2016")
# clinics of short stay: obstetrics and surgery, surgery, several disciplines
SHORT_STAY_CLINICS = ("122", "128", "365")
# the years of the published APL that are kept: the newest, and the first to compare it with
APL_YEARS = (2015, 2023)
PUBLIC_HOSPITALS = ("101", "106", "114", "355")
# what BPE 2013 counts for children with a disability, and what the list of public documents sets beside it
BPE2013_COUNTS = {
    "establishments": "children_disability_residential_or_day",
    "services": "children_disability_home_or_ambulatory",
}
LISTED = {"establishments": ("ime",), "services": ("sessad", "cmpp")}


def choose_communes(folder: Path) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the outlines (projected) and the names of the Var's communes and of those around it."""
    epsg = geography.projected_epsg(DEPARTEMENT)
    outlines = sources.read_outlines(folder / FILES["outlines"]).to_crs(epsg)
    cog = sources.read_cog_communes(folder / FILES["cog"])
    home = outlines.index.str.startswith(DEPARTEMENT)
    territory = outlines[home].union_all()
    points = geography.inside_points(outlines)
    near = points.distance(territory) <= BUFFER_KM * 1000
    outlines = outlines[near].sort_index()
    # a code of the 2018 outlines that is gone in 2024 stops the work: none is within the buffer
    refuse(outlines.index.difference(cog.index), f"code(s) inconnu(s) du COG {COG_YEAR}", UnknownCodeError)
    return outlines, cog.loc[outlines.index]


def build_communes(
    folder: Path, outlines: gpd.GeoDataFrame, names: pd.DataFrame, epci: pd.DataFrame
) -> pd.DataFrame:
    """Return one line per commune with every figure the library needs of it."""
    table = names[["name", "departement_code"]].copy()
    table[["epci_code", "epci_name"]] = epci.reindex(table.index)[["epci_code", "epci_name"]]
    table["in_territory"] = (table["departement_code"] == DEPARTEMENT).map({True: "true", False: "false"})
    for vintage in VINTAGES:
        population = sources.read_legal_population(folder / FILES[vintage])
        persons = population["population"].groupby(geography.commune_of_arrondissement).sum()
        table[f"population_{vintage}"] = persons.reindex(table.index)
    shares = sources.read_age_shares(folder / FILES["ages"])
    columns = ["under_25_share", "from_25_to_64_share", "from_65_share"]
    table[columns] = shares.reindex(table.index)[columns].round(3)
    # this file holds Marseille beside its arrondissements
    young = sources.read_young_population(folder / FILES["young"]).reindex(table.index)
    table["young_0_14_rp2018"] = young["population_0_14"].round(3)
    table["young_total_rp2018"] = young["population"].round(3)
    gps = sources.read_bpe_counts(folder / FILES["gps"], type_code="D201")
    table["general_practitioners"] = gps.reindex(table.index).fillna(0)
    add_published(table, folder)
    table["area_km2"] = (outlines.to_crs(EQUAL_AREA).area / 1e6).round(2)
    mairies = calibrate_travel_times.read_france(folder)
    points = mairies.geometry.reindex(table.index)
    far = points.distance(outlines.geometry) > FARTHEST_KM * 1000
    if far.any() or points.isna().any():
        raise SchemaError(
            f"Mairies absentes ou loin de leur commune : {examples(table.index[far | points.isna()])}."
        )
    degrees = points.to_crs(4326)
    table["longitude"], table["latitude"] = degrees.x.round(5), degrees.y.round(5)
    table["point_kind"] = (
        mairies["is_replaced"].reindex(table.index).map({True: "inside", False: "chef_lieu"})
    )
    # fitted on the densities of the same year as the times; neighbours beyond the buffer are read too
    table["slowness"] = fit_slowness(mairies).reindex(table.index).round(3)
    return table


def add_published(table: pd.DataFrame, folder: Path) -> None:
    """Add the figures that DREES publishes of each commune, and the pharmacies of BPE 2013; each name has its year."""
    times = sources.read_emergency_times(folder / FILES["emergency_times"]).reindex(table.index)
    for year in times:
        table[f"urgences_smur_{year}_min"] = times[year]
    apl = sources.read_apl_by_year(folder / FILES["apl"]).reindex(table.index)
    for year in APL_YEARS:
        table[f"apl_{year}_consultations_per_hab"] = apl[year]
    facilities = sources.read_table(folder / FILES["bpe2013"]).set_index("commune_code")
    counts = to_numbers(facilities, ["pharmacies"], path=folder / FILES["bpe2013"])
    # a commune without any of the facilities has no line
    pharmacies = counts["pharmacies"].groupby(geography.commune_of_arrondissement).sum()
    table["pharmacies_2013"] = pharmacies.reindex(table.index).fillna(0).astype(int)


def build_epci(table: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Return the EPCI that have at least one commune in the territory."""
    home = communes[communes["in_territory"] == "true"]
    inside = home.groupby("epci_code")["population_rp2021"].agg(["size", "sum"])
    result = table[table["epci_code"].isin(inside.index)].drop_duplicates("epci_code").set_index("epci_code")
    result = result.sort_index()
    result["communes_in_territory"] = inside["size"]
    result["population_in_territory"] = inside["sum"]
    return result.rename(columns=lambda name: name.removeprefix("epci_"))


def build_outlines(outlines: gpd.GeoDataFrame) -> str:
    """Return the outlines of the territory as GeoJSON, simplified together so that borders stay shared."""
    home = outlines[outlines.index.str.startswith(DEPARTEMENT)]
    simple = home.set_geometry(shapely.coverage_simplify(home.geometry.to_numpy(), SIMPLIFY_M))
    degrees = simple.set_crs(outlines.crs.to_epsg(), allow_override=True).to_crs(4326)
    rounded = shapely.transform(degrees.geometry.to_numpy(), lambda corners: corners.round(DECIMALS))
    wrong = degrees.index[~shapely.is_valid(rounded)]
    if len(wrong):
        raise SchemaError(f"Contours simplifiés non valides : {examples(wrong)}.")
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {"commune_code": code},
                "geometry": shapely.geometry.mapping(shape),
            },
            separators=(",", ":"),
        )
        for code, shape in zip(degrees.index, rounded, strict=True)
    ]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


# columns of child psychiatry in the form PSY of the SAE, and ours
PSYCHIATRY = {
    "day_places": "CAP_HDJ",
    "night_places": "CAP_HDN",
    "beds": "CAP_HTP",
    "consultation_centres": "NB_CMP_SEUL",
    "therapeutic_activity_centres": "NB_CATTP",
    "active_file": "FIL_TOT",
    "active_file_ambulatory": "FIL_AMB",
}


def read_sae_psychiatry(path: Path) -> pd.DataFrame:
    """Read the capacity in child psychiatry of each whole establishment (SAE, form `PSY`, discipline `INF`)."""
    frame = sources.read_table(path)
    # until 2022 the form told CMP open five days a week from the others
    split = [name for name in ("NB_CMP_SEUL_PA", "NB_CMP_SEUL_PL") if name in frame]
    numbers = [title for title in PSYCHIATRY.values() if title in frame] + split
    frame = to_numbers(frame[frame["DIS"] == "INF"], numbers, path=path)
    if split:
        frame["NB_CMP_SEUL"] = frame[split].sum(axis=1, min_count=1)
    table = frame[["RS", "FI_EJ", *PSYCHIATRY.values()]]
    table = table.set_axis(["name", "operator_id", *PSYCHIATRY], axis=1)
    return table.set_axis(frame["FI"].array, axis=0).rename_axis("site_id")


def build_hospitals(folder: Path, communes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return sites and services of hospitals, emergency departments and child psychiatry."""
    sites = sources.read_sae_sites(folder / FILES["sae"])
    sites = sites[sites["commune_code"].isin(communes.index)].copy()
    emergency = sources.read_sae_emergency(folder / FILES["emergency"]).index
    psychiatry = read_sae_psychiatry(folder / FILES["psychiatry"]).index
    offered = {
        "hopital": sites.index.isin(emergency) | sites["category_code"].isin(SHORT_STAY_CLINICS),
        "urgences": sites.index.isin(emergency),
        "psychiatrie_ij": sites.index.isin(psychiatry),
    }
    left_out = sites[sites["category_code"].isin(PUBLIC_HOSPITALS) & ~offered["hopital"]]
    home = left_out[left_out["commune_code"].str.startswith(DEPARTEMENT)]
    print(f"hospital sites without emergency department, left out: {len(left_out)}")
    print("  in the territory: " + " ; ".join(home["name"]))
    services = pd.concat(
        pd.DataFrame({"site_id": sites.index[mask], "service": service}) for service, mask in offered.items()
    )
    children = services["service"] == "psychiatrie_ij"
    services["age_min"] = 0
    services["age_max"] = children.map({True: 18, False: pd.NA})
    services["ages_origin"] = children.map({True: "default", False: "source"})
    services["authorisation_id"] = services["site_id"]
    services["doubt"] = children.map(
        {True: "Capacité connue pour l'établissement entier seulement.", False: ""}
    )
    kept = sites[sites.index.isin(services["site_id"])].drop(columns="year").reset_index()
    kept["source"] = "DREES, SAE 2023"
    addresses = hospital_addresses(folder, communes).reindex(kept["site_id"])
    kept["longitude"], kept["latitude"] = addresses["longitude"].to_numpy(), addresses["latitude"].to_numpy()
    kept["doubt"] = addresses["doubt"].fillna("Adresse non géolocalisée : placé à la mairie.").to_numpy()
    return kept, services


def hospital_addresses(folder: Path, communes: pd.DataFrame) -> pd.DataFrame:
    """Return the point of hospital sites by FINESS number; one far from its commune is left out and said."""
    newest = pd.read_csv(folder / FILES["addresses"], dtype={"finess": str})
    newest = newest.rename(columns={"finess": "id", "commune": "city"}).assign(
        doubt="Adresse du FINESS, mai 2026."
    )
    older = pd.read_csv(folder / FILES["older_addresses"], dtype={"id": str}).assign(
        doubt="Adresse du FINESS de mars 2020 (Eurostat)."
    )
    table = pd.concat([newest, older])[["id", "lat", "lon", "doubt"]].dropna()
    table["id"] = table["id"].str.zfill(9)
    table = (
        table.drop_duplicates("id").set_index("id").rename(columns={"lat": "latitude", "lon": "longitude"})
    )
    sites = sources.read_sae_sites(folder / FILES["sae"])["commune_code"]
    town = communes.reindex(sites.reindex(table.index))
    points, mairies = (
        gpd.GeoSeries(gpd.points_from_xy(part["longitude"], part["latitude"]), crs=4326).to_crs(2154)
        for part in (table, town.reset_index())
    )
    apart_km = points.distance(mairies).to_numpy() / 1000
    far = table.index[apart_km > FARTHEST_KM]
    print(f"hospital addresses farther than {FARTHEST_KM:g} km from their commune, left out: {list(far)}")
    return table[["longitude", "latitude"]].round(5).assign(doubt=table["doubt"])[apart_km <= FARTHEST_KM]


def build_child_psychiatry(folder: Path, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the capacities of child psychiatry by establishment, with its commune."""
    table = read_sae_psychiatry(folder / FILES["psychiatry"])
    table.insert(2, "commune_code", sites.set_index("site_id")["commune_code"].reindex(table.index))
    return table[table["commune_code"].notna()].sort_index()


def build_ehpad(folder: Path, outlines: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return sites and services of the EHPAD of the communes kept."""
    points = sources.read_ehpad(folder / FILES["ehpad"]).to_crs(outlines.crs)
    points = points[points.within(shapely.box(*outlines.total_bounds))]
    # a point on a pier, off the simplified coast, is of the nearest commune; on a border, of the first in the table
    points = points.drop(columns="commune_code", errors="ignore")
    points = points.sjoin_nearest(outlines[["geometry"]], max_distance=500).sort_values("commune_code")
    points = points[~points.index.duplicated()]
    degrees = points.to_crs(4326).geometry
    sites = pd.DataFrame(
        {
            "name": points["name"],
            "category_code": "500",
            "legal_status": points["legal_status"],
            "commune_code": points["commune_code"],
            "longitude": degrees.x.round(5),
            "latitude": degrees.y.round(5),
            "source": "CNSA, prix des EHPAD, début 2023",
            "doubt": "Sans numéro FINESS ni nombre de places dans cette source ; statut déduit de sa couleur.",
        }
    )
    sites = sites.sort_values(["commune_code", "name", "longitude", "latitude"])
    stems = [
        f"ehpad-{code}-{slug(name)}" for code, name in zip(sites["commune_code"], sites["name"], strict=True)
    ]
    rank = pd.Series(stems).groupby(stems).cumcount() + 1
    sites.insert(
        0, "site_id", [stem if n == 1 else f"{stem}-{n}" for stem, n in zip(stems, rank, strict=True)]
    )
    services = pd.DataFrame({"site_id": sites["site_id"], "service": "ehpad", "capacity_unit": "places"})
    services["ages_origin"] = "unknown"
    return sites, services


def build_general_practitioners(communes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one site per commune with at least one general practitioner, with how many there are."""
    some = communes[communes["general_practitioners"] > 0]
    sites = one_a_commune(some, "gp", "Médecins généralistes", "INSEE, BPE, vers 2017-2018")
    services = pd.DataFrame({"site_id": sites["site_id"], "service": "medecin_generaliste"})
    services["capacity"] = some["general_practitioners"].to_numpy()
    services["capacity_unit"] = "headcount"
    services["age_min"] = 0
    services["ages_origin"] = "source"
    services["reception_mode"] = "ambulatoire"
    return sites, services


def one_a_commune(communes: pd.DataFrame, prefix: str, name: str, source: str) -> pd.DataFrame:
    """Return one site for each commune."""
    return pd.DataFrame(
        {
            "site_id": f"{prefix}-" + communes.index,
            "name": f"{name} – " + communes["name"].to_numpy(),
            "commune_code": communes.index,
            "source": source,
        }
    )


def build_offer_2013(folder: Path, communes: pd.DataFrame) -> pd.DataFrame:
    """Return the establishments and services for children of BPE 2013, in the communes of the territory with some."""
    read = pd.read_csv(folder / FILES["bpe2013"], dtype={"commune_code": str}).set_index("commune_code")
    counts = read[list(BPE2013_COUNTS.values())].set_axis(list(BPE2013_COUNTS), axis=1)
    home = communes.index[communes["in_territory"] == "true"]
    kept = counts.reindex(home)
    return kept[(kept > 0).any(axis=1)].astype(int)


def how_complete(text: str, offer: pd.DataFrame, sites: pd.DataFrame, services: pd.DataFrame) -> str:
    """Return the facts on completeness with what is listed and what BPE 2013 counted, as numbers of this run."""
    home = set(sites.loc[sites["commune_code"].str.startswith(DEPARTEMENT), "site_id"])
    inside = services[services["site_id"].isin(home)]["service"]
    numbers = {f"listed_{kind}": int(inside.isin(names).sum()) for kind, names in LISTED.items()}
    for kind in BPE2013_COUNTS:
        numbers |= {kind: int(offer[kind].sum()), f"{kind[:-1]}_communes": int((offer[kind] > 0).sum())}
    return text.format(**numbers)


def build_pharmacies(communes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one site per commune with at least one pharmacy."""
    some = communes[communes["pharmacies_2013"] > 0]
    sites = one_a_commune(some, "pharmacie", "Pharmacie", "INSEE, BPE 2013")
    services = pd.DataFrame({"site_id": sites["site_id"], "service": "pharmacie"})
    return sites, services


def assemble(pairs: list[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all sites and all services, in the columns of the tables, with what is complete."""
    complete = sources.read_table(FACTS / "completeness.csv").set_index("service")["is_complete_list"]
    site_columns = ["site_id", "name", "category_code", "commune_code", "operator_id", "operator_name"]
    site_columns += ["legal_status", "longitude", "latitude", "point_precision", "source", "doubt"]
    service_columns = ["site_id", "service", "authorisation_id", "capacity", "capacity_unit", "public"]
    service_columns += ["age_min", "age_max", "ages_origin", "reception_mode", "delivered_at_home"]
    service_columns += ["is_complete_list", "doubt"]
    sites = pd.concat([pair[0].reindex(columns=site_columns).astype(object) for pair in pairs])
    services = pd.concat([pair[1].reindex(columns=service_columns).astype(object) for pair in pairs])
    hours = sources.read_table(FACTS / "opening_hours.csv").set_index("site_id")
    unknown = sorted(set(hours.index) - set(sites["site_id"]))
    if unknown:
        raise SchemaError(f"opening_hours.csv : sites inconnus ({examples(unknown)}).")
    sites[list(hours)] = hours.reindex(sites["site_id"]).to_numpy()
    sites["point_precision"] = sites["longitude"].isna().map({True: "commune", False: "address"})
    services["is_complete_list"] = services["service"].map(complete)
    services["delivered_at_home"] = services["delivered_at_home"].where(
        services["delivered_at_home"].notna(), "false"
    )
    return sites, services


def check(tables: dict[str, pd.DataFrame]) -> None:
    """Refuse a dataset that contradicts what is known of the Var."""
    problems = Problems("Jeu de données du Var", SchemaError)
    communes, epci, services = tables["communes"], tables["epci"], tables["services"]
    home = communes[communes["in_territory"] == "true"]
    dracenie = home[home["epci_code"] == "248300493"]
    ehpad = tables["sites"].query("category_code == '500'")["commune_code"].str.startswith(DEPARTEMENT)
    statuses = tables["sites"].loc[ehpad.index[ehpad], "legal_status"].value_counts()
    expected = {
        "communes du Var": (len(home), 153),
        "habitants du Var (RP 2021)": (home["population_rp2021"].sum(), 1_095_337),
        "EPCI": (len(epci), 14),
        "communes de la Dracénie": (len(dracenie), 23),
        "habitants de la Dracénie": (dracenie["population_rp2021"].sum(), 110_632),
        "EHPAD du Var": (ehpad.sum(), 95),
        "EHPAD publics du Var": (statuses.get("public", 0), 21),
        "EHPAD privés non lucratifs du Var": (statuses.get("private_non_profit", 0), 20),
        "EHPAD commerciaux du Var": (statuses.get("commercial", 0), 54),
        "médecins généralistes du Var": (home["general_practitioners"].sum(), 1_136),
        "établissements pour enfants handicapés (BPE 2013)": (
            tables["offer_2013"]["establishments"].sum(),
            33,
        ),
        "services pour enfants handicapés (BPE 2013)": (tables["offer_2013"]["services"].sum(), 29),
        "pharmacies du Var (BPE 2013)": (home["pharmacies_2013"].sum(), 413),
        "communes du Var avec une pharmacie": ((home["pharmacies_2013"] > 0).sum(), 92),
        "minutes vers les urgences publiées": (home["urgences_smur_2019_min"].notna().sum(), 153),
        "APL publiées du Var": (home["apl_2023_consultations_per_hab"].notna().sum(), 153),
    }
    for what, (found, wanted) in expected.items():
        if found != wanted:
            problems.add(f"{what} : {found:g} au lieu de {wanted:g}")
    known = set(communes.index) | {""}
    for name in ("communes", "epci"):
        empty = [column for column in tables[name] if tables[name][column].isna().any()]
        # DREES gives Marseille by arrondissement or not at all
        published = {c for c in tables[name] if c.startswith(("urgences_smur_", "apl_"))}
        partly_known = {"young_0_14_rp2018", "young_total_rp2018", *published}
        for column in sorted(set(empty) - partly_known):
            lines = tables[name].index[tables[name][column].isna()]
            problems.add(
                f"{name}, colonne « {column} » : {len(lines)} valeurs manquantes ({examples(lines)})"
            )
    lost = set(tables["sites"]["commune_code"]) - known
    if lost:
        problems.add(f"sites dans des communes inconnues ({examples(sorted(lost))})")
    if services["is_complete_list"].isna().any():
        problems.add("des services n'ont pas de ligne dans completeness.csv")
    if services.duplicated(["site_id", "service"]).any() or tables["sites"]["site_id"].duplicated().any():
        problems.add("des sites ou des services sont en double")
    problems.raise_if_any()


def as_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV with the same text on every machine."""
    table = frame.reset_index() if frame.index.name else frame
    return table.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words, without the word EHPAD."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(word for word in re.findall(r"[a-z0-9]+", plain) if word != "ehpad") or "sans-nom"


def build(folder: Path) -> dict[str, str]:
    """Return the text of every file of the dataset, checked."""
    outlines, names = choose_communes(folder)
    epci = sources.read_epci(folder / FILES["epci"])
    communes = build_communes(folder, outlines, names, epci)
    hospitals = build_hospitals(folder, communes)
    children = tuple(sources.read_table(FACTS / f"child_{kind}.csv") for kind in ("sites", "services"))
    pairs = [children, hospitals, build_ehpad(folder, outlines), build_general_practitioners(communes)]
    pairs.append(build_pharmacies(communes))
    sites, services = assemble([(pair[0], pair[1]) for pair in pairs])
    # empty text and no value are the same blank in the file
    sites, services = sites.replace("", None), services.replace("", None)
    tables = {
        "communes": communes,
        "epci": build_epci(epci, communes),
        "sites": sites,
        "services": services,
        "child_psychiatry": build_child_psychiatry(folder, hospitals[0]),
        "offer_2013": build_offer_2013(folder, communes),
    }
    check(tables)
    files = {f"{name}.csv": as_csv(table) for name, table in tables.items()}
    files["outlines.geojson"] = build_outlines(outlines)
    for name in ("figures", "completeness", "sources"):
        sources.read_table(FACTS / f"{name}.csv")
        files[f"{name}.csv"] = (FACTS / f"{name}.csv").read_text("utf-8")
    text = how_complete(files["completeness.csv"], tables["offer_2013"], sites, services)
    return files | {"completeness.csv": text}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from", dest="folder", type=Path, required=True, help="folder of the official files"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write (default: the package's)")
    arguments = parser.parse_args()
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", TerritoryWarning)
            files = build(arguments.folder)
    except TerritoryError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in said:
        print(f"warning: {warning.message}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (arguments.out / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {len(text.encode()):,} bytes, {text.count(chr(10))} lines")
    print(f"in all: {sum(len(text.encode()) for text in files.values()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
