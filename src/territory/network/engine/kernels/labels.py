"""Times and lengths packed in one number, so that comparing two labels compares times first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from territory.errors import NetworkError, ParameterError
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Int32, Int64, Seeds


def checked_limit(limit_ms: int) -> int:
    """Return the limit, or raise if it is out of range."""
    if not 0 <= limit_ms <= MAX_TIME_MS:
        raise ParameterError(
            f"Durée maximale de {limit_ms} ms : indiquez une valeur de 0 à {MAX_TIME_MS} ms (298 heures)."
        )
    return int(limit_ms)


def checked_lengths(lengths_dm: ArrayLike, shape: tuple[int, ...]) -> Int64:
    """Return lengths (dm) as int64, or raise if they are not whole numbers of the right shape."""
    lengths = np.asarray(lengths_dm)
    if lengths.shape != shape or (lengths.dtype.kind not in "iu" and lengths.size):
        raise NetworkError(
            f"Longueurs de forme {lengths.shape} et de type {lengths.dtype} : il faut des nombres entiers de "
            f"décimètres, de forme {shape}."
        )
    if lengths.size and not 0 <= int(lengths.min()) <= int(lengths.max()) <= MAX_TIME_MS:
        raise NetworkError(
            f"Longueurs de {lengths.min()} à {lengths.max()} dm : elles doivent aller de 0 à {MAX_TIME_MS} dm."
        )
    return lengths.astype(np.int64)


def check_no_overflow(weights_ms: Int32, lengths_dm: Int64) -> None:
    """Raise if the length of some path could exceed what fits beside its time.

    An edge driven at less than 360 km/h is no longer in decimetres than its time in milliseconds, so a path
    of `MAX_TIME_MS` is shorter than that plus what the few faster edges have in excess.
    """
    excess = int(np.maximum(lengths_dm - weights_ms, 0).sum())
    if excess > MAX_TIME_MS:
        raise NetworkError(
            f"Longueurs : {excess // 10000} km sont parcourus à plus de 360 km/h : vérifiez que les longueurs "
            "sont en décimètres et les durées en millisecondes."
        )


def point_lengths(points: Seeds, lengths_dm: ArrayLike | None) -> Int64:
    """Return the lengths between points and their nodes, 0 if none are given."""
    if lengths_dm is None:
        return np.zeros(points.nodes.shape, np.int64)
    return checked_lengths(lengths_dm, points.nodes.shape)


def pack(times_ms: Int32, lengths_dm: Int64) -> Int64:
    """Return labels `time << 32 | length`, closed edges just beyond the longest time."""
    return (np.minimum(times_ms, np.int32(MAX_TIME_MS + 1)).astype(np.int64) << 32) | lengths_dm


def unpack(labels: Int64) -> tuple[Int32, Int32]:
    """Return times (ms) and lengths (dm) of labels, both `UNREACHED` beyond the longest time."""
    far = (labels >> 32) > MAX_TIME_MS
    times, lengths = labels >> 32, labels & 0xFFFFFFFF
    times[far] = UNREACHED
    lengths[far] = UNREACHED
    return times.astype(np.int32), lengths.astype(np.int32)
