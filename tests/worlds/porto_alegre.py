"""Another city as a study: real timetables, streets and people of Porto Alegre, cut in squares that stand for communes.

A study is computed in France alone: the city is carried to Guyane (973), its distances kept to one in a thousand or so.
The codes, the service that moves and the list of emergency departments, at two real hospitals, are made up.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from pathlib import Path

import geopandas as gpd
import osmium
import pandas as pd
from shapely import box

_SIDE_M = 1_200.0
_FEEDS, _STREETS = ("poa_eptc.zip", "poa_trensurb.zip"), "poa_osm.pbf"
_FROM, _TO = (-51.2, -30.05), (-53.0, 4.0)
# a degree of longitude is longer there
_NARROWER = math.cos(math.radians(_FROM[1])) / math.cos(math.radians(_TO[1]))
_STUDY = """
id = "porto-alegre"
title = "Porto Alegre, avec et sans voiture"
question = "Combien de temps sans voiture jusqu'aux urgences, et si le centre de consultation déménageait ?"
dataset = "files"
population = "rp2021"

[territory]
name = "Porto Alegre"
departement_codes = ["973"]

[files]
roads = "poa_osm.pbf"

[travel]
closest_services = ["urgences"]

[travel.transit]
gtfs = ["poa_eptc.zip", "poa_trensurb.zip"]
date = 2019-05-13
arrive_by = "15:00"
streets = "poa_osm.pbf"

[uncertainty]
draws = 0

[data]
cog = "cog.csv"
points = "contours.geojson"
populations = { rp2021 = "population.csv" }
ages = "ages.csv"
epci = "epci.csv"
finess = "finess.csv"
buffer_km = 0

[[desert]]
id = "loin"
label = "Urgences à plus de 30 min"

[[desert.criterion]]
id = "urgences"
label = "Plus de 30 min des urgences"
measure = "time"
services = ["urgences"]
threshold = 30
source = "seuil de la DREES (2017), pour des temps de voiture"

[[authorisation]]
id = "centre"
label = "Centre de consultation (inventé)"
label_short = "centre de consultation"

[[service]]
site_id = "pucrs"
service = "cmpp"
authorisation_id = "centre"
age_min = 0
age_max = 20
reception_mode = "ambulatoire"

[[service]]
site_id = "santa-casa-hospital"
service = "urgences"
is_complete_list = true

[[service]]
site_id = "moinhos-de-vento-hospital"
service = "urgences"
is_complete_list = true

[[scenario]]
id = "A"
name = "Le centre de consultation s'installe à la gare routière"
summary = "De l'université catholique au centre de la ville."

[[scenario.change]]
type = "move_site"
authorisation_ids = ["centre"]
to_site_id = "bus-central-station"
"""


def write_study(source: Path, folder: Path) -> Path:
    """Write the study in a folder, from that of the real files, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FEEDS:
        _carry_feed(source / name, folder / name)
    _carry_streets(source / _STREETS, folder / _STREETS)
    squares = _squares(_carried(pd.read_csv(source / "poa_hexgrid.csv")))
    shapes = squares.to_crs(4326).rename_axis("code").reset_index()[["code", "nom", "geometry"]]
    (folder / "contours.geojson").write_text(json.dumps(shapes.__geo_interface__), encoding="utf-8")
    people, places = (
        squares["population"],
        _carried(pd.read_csv(source / "poa_points_of_interest.csv", index_col="id")),
    )
    lines = {
        "cog": (["TYPECOM", "COM", "REG", "DEP", "LIBELLE", "COMPARENT"],
                [("COM", code, "03", "973", name, "") for code, name in squares["nom"].items()]),
        "population": (["DEPCOM", "COM", "PMUN", "PCAP", "PTOT"],
                       [(code, squares["nom"][code], count, 0, count) for code, count in people.items()]),
        # the file of Porto Alegre has no ages: every square has the same, made up
        "ages": (["code_insee", "nom", "scale", *(f"Part {said} 2020" for said in _AGES)],
                 [(code, name, "Commune", 30, 55, 15) for code, name in squares["nom"].items()]),
        "epci": (["dept", "siren", "raison_sociale", "nature_juridique", "nb_membres", "total_pop_mun", "insee"],
                 [("973", *_ZONES[zone], "CC", (squares["zone"] == zone).sum(), 1, code)
                  for code, zone in squares["zone"].items()]),
        # a study has a list of establishments: one that it asks nothing of
        "finess": (_FINESS,
                   [("973000001", "973999999", "Officine", 620, squares.index[0], "", "")]),
    }  # fmt: skip
    for name, (head, rows) in lines.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=",").writerows([head, *rows])
    text = _STUDY + "".join(
        f'\n[[site]]\nid = "{place.replace("_", "-")}"\nname = "{name}"\n'
        f'commune_code = "{_square_of(places, place, squares)}"\nlongitude = {places["lon"][place]}\n'
        f'latitude = {places["lat"][place]}\nsource = "échantillon de r5r"\n'
        for place, name in _PLACES.items()
    )
    path = folder / "porto-alegre.toml"
    path.write_text(text, encoding="utf-8")
    return path


_FINESS = ("nofinesset", "nofinessej", "rs", "categetab", "code_insee", "latitude", "longitude")
_AGES = ("de - de 25 ans", "de 25 à 64 ans", "de 65 ans ou +")
_ZONES = {
    "nord": ("200099911", "CC du Nord"), "centre": ("200099912", "CC du Centre"), "sud": ("200099913", "CC du Sud"),
}  # fmt: skip
_PLACES = {
    "pucrs": "Université catholique",
    "santa_casa_hospital": "Santa Casa",
    "moinhos_de_vento_hospital": "Moinhos de Vento",
    "bus_central_station": "Gare routière",
}


def _carried(points: pd.DataFrame, lon: str = "lon", lat: str = "lat") -> pd.DataFrame:
    """Return points where the study is."""
    return points.assign(
        **{lon: _TO[0] + (points[lon] - _FROM[0]) * _NARROWER, lat: _TO[1] + points[lat] - _FROM[1]}
    )


def _carry_feed(source: Path, target: Path) -> None:
    """Write a feed with its stops elsewhere."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "stops.txt":
                stops = pd.read_csv(io.BytesIO(content), dtype={"stop_id": "str"})
                content = _carried(stops, "stop_lon", "stop_lat").to_csv(index=False).encode()
            new.writestr(name, content)


def _carry_streets(source: Path, target: Path) -> None:
    """Write a map elsewhere."""
    with osmium.SimpleWriter(str(target), overwrite=True) as out:
        for one in osmium.FileProcessor(str(source)):
            if one.is_node():
                lon, lat = _TO[0] + (one.lon - _FROM[0]) * _NARROWER, _TO[1] + one.lat - _FROM[1]
                out.add_node(one.replace(location=(lon, lat)))
            elif one.is_way():
                out.add_way(one)
            else:
                out.add_relation(one)


def _squares(hexagons: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the squares where people live, from the north west, with their people, in the projection of the city."""
    points = gpd.GeoSeries.from_xy(hexagons["lon"], hexagons["lat"], crs=4326).to_crs(2972)
    column, row = (axis // _SIDE_M for axis in (points.x, points.y))
    found = hexagons.groupby([-row, column])["population"].sum()
    found = found[found > 0].reset_index(name="population")
    rows, columns = -found["level_0"] * _SIDE_M, found["level_1"] * _SIDE_M
    corners = (columns, rows, columns + _SIDE_M, rows + _SIDE_M)
    shapes = box(*(corner.to_numpy() for corner in corners))
    codes = [f"973{number:02d}" for number in range(1, len(found) + 1)]
    assert len(codes) < 100
    third = pd.qcut(rows.to_numpy(), 3, labels=["sud", "centre", "nord"])
    names = [f"Carreau {number}" for number in range(1, len(found) + 1)]
    table = {"nom": names, "population": found["population"].to_numpy(), "zone": third}
    return gpd.GeoDataFrame(table, index=codes, geometry=shapes, crs=2972)


def _square_of(places: pd.DataFrame, place: str, squares: gpd.GeoDataFrame) -> str:
    """Return the square of a place, or the nearest one where people live."""
    point = gpd.GeoSeries.from_xy(places["lon"], places["lat"], crs=4326).to_crs(squares.crs)[place]
    return str(squares.distance(point).idxmin())
