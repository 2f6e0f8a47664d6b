"""Works on roads: those that are closed or slowed, and those that are drawn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from territory.errors import NetworkError, ParameterError, Problems, examples
from territory.network.graph.arrays import BACKWARD, FORWARD, JUNCTION, PLAIN, Bools, Floats, Roads
from territory.network.graph.topology import HopIndex, Places, nearest_hops

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

# a drawn road joins what it ends on: farther, it has been drawn elsewhere
_JOINS_WITHIN_M = 100.0


def hops_of(
    roads: Roads,
    *,
    polygon: BaseGeometry | None,
    names: Sequence[str],
    way_ids: Sequence[int],
    month: int | None,
) -> Bools:
    """Tell which hops are meant: in the polygon, of these names or references, of these ways, closed in that month."""
    problems = Problems("Travaux sur les routes", ParameterError)
    ways = roads.ways
    meant = np.ones(len(ways), dtype=bool)
    if names:
        labels = roads.names
        known = [{_plain(part) for part in re.split("[\t;]", label) if part} for label in labels]
        asked = {_plain(name): name for name in names}
        problems.count(
            [name for key, name in asked.items() if not any(key in one for one in known)],
            "nom(s) ou numéro(s) de route absent(s) de la carte",
        )
        meant &= np.array([not asked.keys().isdisjoint(one) for one in known])[ways.name]
    if way_ids:
        problems.count(sorted(set(way_ids) - set(ways.way_id.tolist())), "voie(s) absente(s) de la carte")
        meant &= np.isin(ways.way_id, list(way_ids))
    if month is not None:
        if not 1 <= month <= 12:
            problems.add(f"mois {month} : indiquez un nombre de 1 à 12")
        elif not (names or way_ids):
            meant &= (ways.closed_months >> (month - 1) & 1) > 0
    problems.raise_if_any()
    hops: Bools = meant[roads.hop_way] & ~roads.void_hops()
    if polygon is not None:
        hops &= _inside(roads, polygon)
    if not hops.any():
        raise ParameterError(
            "Travaux sur les routes : aucune route de la carte n'est concernée (polygone, noms, voies ou mois)."
        )
    return hops


def _plain(text: str) -> str:
    """Return a name without accents, capitals or spaces: « D 562 » is « d562 »."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in letters if one.isalnum())


def _inside(roads: Roads, polygon: BaseGeometry) -> Bools:
    """Tell which hops have a part in a polygon (degrees)."""
    import shapely

    area = _projected(polygon, roads.crs)
    x_min, y_min, x_max, y_max = area.bounds
    (x, y), (next_x, next_y) = (
        (roads.x, roads.y),
        (np.append(axis[1:], axis[-1]) for axis in (roads.x, roads.y)),
    )
    near = (np.minimum(x, next_x) <= x_max) & (np.maximum(x, next_x) >= x_min)
    near &= (np.minimum(y, next_y) <= y_max) & (np.maximum(y, next_y) >= y_min)
    hops = np.flatnonzero(near & ~roads.void_hops())
    shapely.prepare(area)
    ends = np.stack([np.column_stack([x, y])[hops], np.column_stack([next_x, next_y])[hops]], axis=1)
    inside = np.zeros(roads.x.size, dtype=bool)
    inside[hops] = shapely.intersects(area, shapely.linestrings(ends))
    return inside


def _projected(shape: BaseGeometry, crs: str) -> BaseGeometry:
    import geopandas as gpd

    projected: BaseGeometry = gpd.GeoSeries([shape], crs=4326).to_crs(crs).iloc[0]
    if projected.is_empty or not np.isfinite(projected.bounds).all():
        raise NetworkError(
            "Travaux sur les routes : un tracé vide ou hors de la carte ; donnez-le en degrés."
        )
    return projected


def slowed(roads: Roads, hops: Bools, time_factor: float) -> NDArray[np.float32]:
    """Return the slowness of all hops once some take `time_factor` times as long; infinity closes them."""
    if not time_factor > 0:
        raise ParameterError(f"time_factor={time_factor} : indiquez un nombre au-dessus de zéro.")
    before = roads.hop_slowness if roads.hop_slowness.size else np.ones((2, roads.x.size), dtype=np.float32)
    return np.where(hops, before * np.float32(time_factor), before).astype(np.float32)


def with_line(
    roads: Roads, index: HopIndex, line: BaseGeometry, *, speed_kmh: float, is_oneway: bool, name: str
) -> Roads:
    """Return roads with one more, that joins those on which it ends."""
    problems = Problems("Route dessinée", ParameterError)
    if line.geom_type != "LineString":
        problems.add(f"il faut une ligne (LineString), pas {line.geom_type}")
    if not 5 <= speed_kmh <= 160:
        problems.add(f"speed_kmh={speed_kmh} : indiquez une vitesse de 5 à 160 km/h")
    problems.raise_if_any()
    x, y = np.array(_projected(line, roads.crs).coords)[:, :2].T
    ends = nearest_hops(roads, index, x[[0, -1]], y[[0, -1]], max_distance_m=_JOINS_WITHIN_M)
    lost = [place for place, hop in zip(("début", "fin"), ends.hop, strict=True) if hop < 0]
    if lost:
        raise NetworkError(
            f"Route dessinée : {examples(lost)} à plus de {_JOINS_WITHIN_M:g} m d'une route de la carte ; menez le"
            " tracé jusqu'aux routes qu'il joint."
        )
    x[[0, -1]], y[[0, -1]] = ends.x, ends.y
    new = _Edited(roads)
    junctions = new.cut(ends)
    new.add(junctions, x, y, speed_kmh, is_oneway, int(roads.hop_way[ends.hop[0]]), name)
    return new.result()


class _Edited:
    """Roads whose chains are being cut, and to which one is added."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads
        self._junctions = [np.column_stack([roads.junction_x, roads.junction_y])]
        self._n_junctions = roads.n_junctions
        # of each chain that is cut, the numbers of its pieces; of each new chain, its columns
        self._pieces: dict[int, list[int]] = {}
        self._chains: list[dict[str, Any]] = []

    def cut(self, ends: Places) -> list[int]:
        """Cut the chains on which places are; return their junctions."""
        roads, found = self._roads, []
        by_chain: dict[int, list[tuple[float, int]]] = {}
        for row, (chain, hop, share) in enumerate(
            zip(ends.chain.tolist(), ends.hop.tolist(), ends.share.tolist(), strict=True)
        ):
            # a metre from a vertex is the vertex: the road is drawn by hand
            done_m, length_m = share * roads.hop_length_m[hop], roads.hop_length_m[hop]
            at = hop + (0.0 if done_m < 1.0 else 1.0 if length_m - done_m < 1.0 else share)
            first, last = int(roads.chain_start[chain]), int(roads.chain_start[chain + 1]) - 1
            if at in (first, last):
                found.append(int(roads.tail[chain] if at == first else roads.head[chain]))
                continue
            same = [junction for other, junction in by_chain.get(chain, []) if other == at]
            if not same:
                same = [self._new_junction(float(ends.x[row]), float(ends.y[row]))]
                by_chain.setdefault(chain, []).append((at, same[0]))
            found.append(same[0])
        for chain, places in by_chain.items():
            self._split(chain, sorted(places))
        return found

    def _new_junction(self, x: float, y: float) -> int:
        self._junctions.append(np.array([[x, y]]))
        self._n_junctions += 1
        return self._n_junctions - 1

    def _split(self, chain: int, places: list[tuple[float, int]]) -> None:
        roads = self._roads
        first, last = float(roads.chain_start[chain]), float(roads.chain_start[chain + 1] - 1)
        bounds = [(first, int(roads.tail[chain])), *places, (last, int(roads.head[chain]))]
        self._pieces[chain] = []
        for (begin, tail), (end, head) in pairwise(bounds):
            inner = np.arange(int(np.floor(begin)) + 1, int(np.ceil(end)))
            hop = np.concatenate([[int(begin)], inner]).astype(np.int64)
            stops = np.concatenate([[begin], inner, [end]])
            columns = self._columns_of(np.append(hop, hop[-1]), np.append(np.diff(stops), 0.0))
            for side, (at, junction) in ((0, (begin, tail)), (-1, (end, head))):
                if at != int(at):
                    columns["vertex_kind"][side] = JUNCTION
                    places_of = np.concatenate(self._junctions)
                    columns["x"][side], columns["y"][side] = places_of[junction]
                else:
                    row = int(at)
                    columns["x"][side], columns["y"][side] = roads.x[row], roads.y[row]
                    columns["vertex_kind"][side] = max(roads.vertex_kind[row], JUNCTION)
            self._pieces[chain].append(len(self._chains))
            columns |= {"tail": tail, "head": head, "open_directions": int(roads.open_directions[chain])}
            self._chains.append({**columns, "is_destination": bool(roads.is_destination[chain])})

    def _columns_of(self, hop: NDArray[np.int64], share: Floats) -> dict[str, Any]:
        """Return what is along parts of hops."""
        roads = self._roads
        names = ("x", "y", "vertex_kind", "hop_way", "hop_reversed", "hop_length_m")
        columns: dict[str, Any] = {name: getattr(roads, name)[hop].copy() for name in names}
        columns["hop_length_m"] = (columns["hop_length_m"] * share).astype(np.float32)
        if roads.hop_slowness.size:
            columns["hop_slowness"] = roads.hop_slowness[:, hop]
        return columns

    def add(
        self, ends: list[int], x: Floats, y: Floats, speed_kmh: float, is_oneway: bool, beside: int, name: str
    ) -> None:
        """Add a road of the class of a way beside it, driven at a speed of its own."""
        roads, ways = self._roads, self._roads.ways
        metres = np.append(np.hypot(np.diff(x), np.diff(y)), 0.0)
        direction = FORWARD if is_oneway else FORWARD | BACKWARD
        given: dict[str, Any] = {
            "way_id": min(int(ways.way_id.min()), 0) - 1,
            "direction": direction,
            "duration_s": float(metres.sum()) * 3.6 / speed_kmh,
            "road_class": ways.road_class[beside],
            "density_band": ways.density_band[beside],
            "name": len(roads.names),
        }
        columns: dict[str, Any] = {}
        for column in vars(ways):
            if column != "class_names":
                before = getattr(ways, column)
                missing = np.nan if before.dtype.kind == "f" else 0
                columns[column] = np.append(
                    before, np.array([given.get(column, missing)], dtype=before.dtype)
                )
        text = "\n".join([*roads.names, " ".join(name.split())])
        self._roads = replace(
            roads, ways=replace(ways, **columns), name_text=np.frombuffer(text.encode(), dtype=np.uint8)
        )
        kind = np.full(x.size, PLAIN, dtype=np.int8)
        kind[[0, -1]] = JUNCTION
        self._chains.append(
            {
                "x": x,
                "y": y,
                "vertex_kind": kind,
                "hop_way": np.full(x.size, len(ways), dtype=np.int32),
                "hop_reversed": np.zeros(x.size, dtype=bool),
                "hop_length_m": metres.astype(np.float32),
                "hop_slowness": np.ones((2, x.size), dtype=np.float32),
                "tail": ends[0],
                "head": ends[1],
                "open_directions": direction,
                "is_destination": False,
            }
        )

    def result(self) -> Roads:
        """Return the roads: the chains that are whole in their order, then the new ones."""
        roads = self._roads
        kept = np.setdiff1d(np.arange(roads.n_chains), list(self._pieces))
        vertices = np.flatnonzero(np.isin(roads.chain_of_vertex(), kept))
        columns: dict[str, Any] = {}
        for name in ("x", "y", "vertex_kind", "hop_way", "hop_reversed", "hop_length_m"):
            columns[name] = np.concatenate(
                [getattr(roads, name)[vertices], *(one[name] for one in self._chains)]
            )
        if roads.hop_slowness.size:
            parts = [one["hop_slowness"] for one in self._chains]
            columns["hop_slowness"] = np.concatenate([roads.hop_slowness[:, vertices], *parts], axis=1)
        for name in ("tail", "head", "open_directions", "is_destination"):
            before = getattr(roads, name)[kept]
            columns[name] = np.append(
                before, np.array([one[name] for one in self._chains], dtype=before.dtype)
            )
        sizes = [*np.diff(roads.chain_start)[kept].tolist(), *(one["x"].size for one in self._chains)]
        places = np.concatenate(self._junctions)
        number = np.full(roads.n_chains, -1)
        number[kept] = np.arange(kept.size)
        pieces = {chain: [kept.size + row for row in rows] for chain, rows in self._pieces.items()}
        turns = self._turns(number, pieces, len(sizes))
        return replace(
            roads,
            chain_start=np.cumsum([0, *sizes], dtype=np.int64),
            junction_x=places[:, 0].copy(),
            junction_y=places[:, 1].copy(),
            turn_start=np.cumsum([0, *(len(one) for one in turns)], dtype=np.int64),
            turn_arcs=np.array([key for one in turns for key in one], dtype=np.int64),
            **columns,
        )

    def _turns(
        self, number: NDArray[Any], pieces: dict[int, list[int]], n_chains: int
    ) -> Iterable[list[int]]:
        """Return the forbidden sequences over the chains as they are now."""
        roads, found = self._roads, []
        arcs = roads.turn_arcs.tolist()
        for begin, end in pairwise(roads.turn_start.tolist()):
            path: list[int] = []
            for place in range(begin, end):
                direction, chain = divmod(arcs[place], roads.n_chains)
                whole = pieces.get(chain, [int(number[chain])])[:: -1 if direction else 1]
                # one comes by the last piece of the first road, and takes the first of the last
                part = whole[-1:] if place == begin else whole[:1] if place == end - 1 else whole
                path += [direction * n_chains + one for one in part]
            found.append(path)
        return found
