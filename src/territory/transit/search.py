"""All departures of a window at once, from sixty-four points side by side, over the calls of a timetable.

A call is reached by those who leave early enough: what is kept of a call is the latest minute of the window at which
one may leave and still be there. It only passes from call to call, along runs and over changes, as the greater of
two bytes: nothing is added, and no order of trips within a line is assumed. Each pass over all runs adds one ride.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.compiling import kernel
from territory.network.engine.graph import Bool, Int32, Int64

Bytes = NDArray[np.uint8]
Shorts = NDArray[np.uint16]


# points searched side by side: one line of cache
LANES = 64
# minutes of a window: a byte, with 0 for never
MOST_MINUTES = 240
NEVER = np.int32(2**31 - 1)
# longest time and longest walk (s): with the window they stay within sixteen bits, and below what is never reached
MOST_S, MOST_WALK_S = 28_800, 18_000
_FAR = np.uint16(45_000)


class Window(NamedTuple):
    """The first second at which one leaves, at how many minutes one may, and the longest time (s)."""

    start_s: int
    n_minutes: int
    limit_s: int


class Links(NamedTuple):
    """Walks grouped by one of their ends: where those of each begin, the other end, and seconds."""

    first: Int64
    other: Int32
    seconds: Int32

    @classmethod
    def of(cls, n: int, by: Int64, other: Int64, seconds: Int64) -> Links:
        """Group walks by the first end given."""
        order = np.lexsort([other, by])
        first = np.searchsorted(by[order], np.arange(n + 1)).astype(np.int64)
        return cls(first, other[order].astype(np.int32), seconds[order].astype(np.int32))


class Runs(NamedTuple):
    """Runs of vehicles: where the calls of each begin, and for each call its stop, times (s) and rules."""

    first: Int64
    stop: Int32
    arrival: Int32
    departure: Int32
    pickup: Bool
    drop_off: Bool

    def between(self, earliest: int, latest: int) -> tuple[Runs, Int64]:
        """Return the runs that are on their way within a period, and which they are."""
        on_way = (self.departure[self.first[:-1]] <= latest) & (self.arrival[self.first[1:] - 1] >= earliest)
        size = np.diff(self.first)[on_way]
        ends = np.append(0, np.cumsum(size))
        row = np.arange(ends[-1]) + np.repeat(self.first[:-1][on_way] - ends[:-1], size)
        return Runs(ends, *(column[row] for column in self[1:])), np.flatnonzero(on_way)

    def backwards(self) -> Runs:
        """Return the runs in a time that goes back: who is dropped off is picked up."""
        first = self.first[-1] - self.first[::-1]
        times = -self.departure[::-1], -self.arrival[::-1]
        rules = self.drop_off[::-1].copy(), self.pickup[::-1].copy()
        return Runs(first, self.stop[::-1].copy(), *times, *rules)


class Calls(NamedTuple):
    """The calls of a question: places of boarding and of alighting by stop and time, and what leads to each.

    `alight` and `board` are the place of each call among those of its kind, -1 where one may not.
    """

    first: Int64
    alight: Int32
    board: Int32
    alight_first: Int64
    alight_time: Int32
    board_first: Int64
    board_time: Int32
    before_first: Int64
    before: Int32

    @classmethod
    def of(cls, runs: Runs, n_stops: int, changes: Links, earliest: int, latest: int) -> Calls:
        """Make ready the calls of a period; `changes` are grouped by the stop that one walks to."""
        is_first = np.zeros(runs.stop.size + 1, dtype=bool)
        is_first[runs.first] = True
        may_alight = runs.drop_off & ~is_first[:-1] & (runs.arrival <= latest) & (runs.arrival >= earliest)
        may_board = runs.pickup & ~is_first[1:] & (runs.departure >= earliest) & (runs.departure <= latest)
        alight, alight_first, alight_time = _places(may_alight, runs.stop, runs.arrival, n_stops)
        board, board_first, board_time = _places(may_board, runs.stop, runs.departure, n_stops)
        ends = (alight_first, alight_time, board_first, board_time)
        counts = np.zeros(board_time.size + 1, dtype=np.int64)
        link(ends, changes, counts, np.empty(0, dtype=np.int32))
        before_first = np.append(0, np.cumsum(counts[:-1]))
        before = np.empty(before_first[-1], dtype=np.int32)
        link(ends, changes, before_first.copy(), before)
        return cls(runs.first, alight, board, *ends, before_first, before)


def _places(may: Bool, stop: Int32, time: Int32, n_stops: int) -> tuple[Int32, Int64, Int32]:
    """Return the place of each call by stop and time, where those of each stop begin, and their times."""
    rows = np.flatnonzero(may)
    rows = rows[np.lexsort((rows, time[rows], stop[rows]))]
    place = np.full(stop.size, -1, dtype=np.int32)
    place[rows] = np.arange(rows.size, dtype=np.int32)
    first = np.searchsorted(stop[rows], np.arange(n_stops + 1)).astype(np.int64)
    return place, first, time[rows].astype(np.int32)


@kernel
def link(ends: tuple[Int64, Int32, Int64, Int32], changes: Links, cursor: Int64, before: Int32) -> None:
    """Count, or write from `cursor` on, the last alightings in time for each boarding that the one before had not."""
    alight_first, alight_time, board_first, board_time = ends
    for stop in range(len(board_first) - 1):
        for row in range(changes.first[stop], changes.first[stop + 1]):
            other, walk = changes.other[row], changes.seconds[row]
            last = alight_first[other]
            end = alight_first[other + 1]
            for board in range(board_first[stop], board_first[stop + 1]):
                was = last
                while last < end and alight_time[last] + walk <= board_time[board]:
                    last += 1
                if last > was:
                    if len(before):
                        before[cursor[board]] = last - 1
                    cursor[board] += 1


@kernel
def start_boards(calls: Calls, access: Links, points: tuple[int, int], window: Window, out: Bytes) -> None:
    """Write, for each boarding, the latest minute (from 1) at which one may leave each point and walk there."""
    out[:] = 0
    for point in range(points[0], points[1]):
        lane = point - points[0]
        for row in range(access.first[point], access.first[point + 1]):
            stop = access.other[row]
            for board in range(calls.board_first[stop], calls.board_first[stop + 1]):
                spare = calls.board_time[board] - access.seconds[row] - window.start_s
                if spare >= 0:
                    out[board, lane] = max(out[board, lane], min(spare // 60 + 1, window.n_minutes))


@kernel
def ride(calls: Calls, boards: Bytes, alights: Bytes) -> None:
    """Carry along each run those who have boarded it, then let those who alight wait at their stop."""
    aboard = np.zeros(LANES, np.uint8)
    for run in range(len(calls.first) - 1):
        aboard[:] = 0
        for call in range(calls.first[run], calls.first[run + 1]):
            alight, board = calls.alight[call], calls.board[call]
            if alight >= 0:
                for lane in range(LANES):
                    alights[alight, lane] = aboard[lane]
            if board >= 0:
                for lane in range(LANES):
                    aboard[lane] = max(aboard[lane], boards[board, lane])
    for stop in range(len(calls.alight_first) - 1):
        for place in range(calls.alight_first[stop] + 1, calls.alight_first[stop + 1]):
            for lane in range(LANES):
                alights[place, lane] = max(alights[place, lane], alights[place - 1, lane])


@kernel
def change(calls: Calls, starts: Bytes, alights: Bytes, boards: Bytes) -> bool:
    """Let those who alighted board what leaves after their walk; say whether anyone can board more than before."""
    best = np.zeros(LANES, np.uint8)
    moved = np.zeros(LANES, np.uint8)
    for stop in range(len(calls.board_first) - 1):
        best[:] = 0
        for board in range(calls.board_first[stop], calls.board_first[stop + 1]):
            for lane in range(LANES):
                best[lane] = max(best[lane], starts[board, lane])
            for row in range(calls.before_first[board], calls.before_first[board + 1]):
                place = calls.before[row]
                for lane in range(LANES):
                    best[lane] = max(best[lane], alights[place, lane])
            for lane in range(LANES):
                moved[lane] |= best[lane] ^ boards[board, lane]
                boards[board, lane] = best[lane]
    return bool(moved.any())


@kernel
def arrive(
    calls: Calls, alights: Bytes, egress: Links, walks: Int32, window: Window, ranks: Int64, out: Int32
) -> None:
    """Write the time (s) from each point to each destination at each rank over the window, `NEVER` over the limit.

    `walks` holds the direct walks on entry [points, destinations], `NEVER` where there is none.
    """
    n_stops, n_minutes = len(calls.alight_first) - 1, window.n_minutes
    wide = -(-n_minutes // 16) * 16
    reached = np.empty((n_stops, wide), np.uint16)
    is_reached = np.empty(n_stops, np.bool_)
    times = np.empty(wide, np.uint16)
    for lane in range(len(walks)):
        for stop in range(n_stops):
            known = 0
            for place in range(calls.alight_first[stop], calls.alight_first[stop + 1]):
                latest = np.int64(alights[place, lane])
                while known < latest:
                    # time since the minute at which one leaves
                    reached[stop, known] = calls.alight_time[place] - window.start_s - 60 * known
                    known += 1
            is_reached[stop] = known > 0
            reached[stop, known:] = _FAR
        for destination in range(len(egress.first) - 1):
            times[:] = min(walks[lane, destination], np.int32(_FAR))
            for row in range(egress.first[destination], egress.first[destination + 1]):
                stop, walk = egress.other[row], np.uint16(egress.seconds[row])
                if is_reached[stop]:
                    for minute in range(wide):
                        time = np.uint16(reached[stop, minute] + walk)
                        times[minute] = time if time < times[minute] else times[minute]
            for number in range(len(ranks)):
                out[lane, destination, number] = _at_rank(times[:n_minutes], ranks[number], window.limit_s)


@kernel
def _at_rank(times: Shorts, rank: int, limit: int) -> int:
    """Return the least time that at least `rank` of the times do not exceed, `NEVER` over the limit."""
    low, high = 0, limit
    if _count_within(times, high) < rank:
        return int(NEVER)
    while low < high:
        middle = (low + high) // 2
        if _count_within(times, middle) >= rank:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _count_within(times: Shorts, limit: int) -> int:
    count, most = np.uint16(0), np.uint16(limit)
    for time in times:
        count = np.uint16(count + np.uint16(time <= most))
    return int(count)


def rides(calls: Calls, starts: Bytes, most: int) -> Iterator[tuple[Bytes, Bytes]]:
    """Give what can be boarded and where one has alighted after each ride, until nothing changes."""
    boards = starts.copy()
    for number in range(most):
        alights = np.empty((calls.alight_time.size, LANES), np.uint8)
        ride(calls, boards, alights)
        yield boards, alights
        boards = boards.copy()
        if number == most - 1 or not change(calls, starts, alights, boards):
            break
