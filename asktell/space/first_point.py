"""Points that keep the constraints, or the proof that there are none: a mixed-integer program.

Its variables are the numbers of dimensions (integers for levels in even steps), a binary for every
cell of a dimension's values that conditions tell apart, and for each dimension that is not always
active whether it is. HiGHS solves it, within its tolerances; so what it finds is checked exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from attrs import field, frozen

from asktell.space.absent import NOWHERE
from asktell.space.column import Column
from asktell.space.conditions import Between, Condition
from asktell.space.parameters import Int
from asktell.space.projection import evened, projected
from asktell.space.region import Mask, Points, Region, Row

_WHOLE = 2**20
"""More levels than this count as a continuum in the program, as its integers are good to a
millionth; what is found is brought to levels again."""

_BINARIES = 1024
"""Numbers without an even step have a binary each, up to so many; more count as a continuum."""

_ROOM = 0.05
"""The share of their range that sums are kept from their bounds, where they can."""

_OPTIONS = {"mip_rel_gap": 0.05, "presolve": False, "node_limit": 20_000}
"""What is found is worked on afterwards, so near the best is enough. HiGHS 1.12 sometimes prints a
line that no option turns off (its issue 2783), and more often with its presolve; these programs are
small without. The command line keeps it from its answers (``cli/process.py``). The limit is on
nodes, not on seconds, as what is found must not depend on how fast a machine is; the problems of
people take a few."""

_INFEASIBLE = 2
"""What the solver says of a program that has no solution."""


@frozen
class Cell:
    """Numbers of a dimension that all conditions judge alike."""

    low: float
    high: float
    met: tuple[bool, ...]
    """Which conditions they meet."""


@frozen(eq=False)
class _Rows:
    """Rows of the program as they are collected."""

    entries: list[tuple[int, int, float]] = field(factory=list)
    low: list[float] = field(factory=list)
    high: list[float] = field(factory=list)

    def add(self, terms: dict[int, float], low: float, high: float) -> None:
        number = len(self.low)
        self.entries.extend((number, variable, weight) for variable, weight in terms.items())
        self.low.append(low)
        self.high.append(high)


class Program:
    """The mixed-integer program of a region, with all of its constraints or some."""

    def __init__(self, region: Region, constraints: Sequence[int] | None = None) -> None:
        """Write down the program; ``constraints`` are the indices of those that count."""
        self.region = region
        everything = range(len(region.limits.constraints))
        self.counted = set(everything if constraints is None else constraints)
        counted = [row for row in region.rows if row.constraint in self.counted]
        self._bounds = region.narrowed(counted)
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[int] = []
        self._rows = _Rows()
        self._room = self._variable(0.0, _ROOM, False)
        self._number: dict[int, tuple[int, float, float]] = {}  # variable, offset, factor
        self._levels: dict[int, list[int]] = {}
        self._cells: dict[int, list[tuple[int, Cell]]] = {}
        self._active: dict[int, int] = {}
        self._tests: dict[int, list[Condition]] = {i: [] for i in region.involved}
        self._lay_out()

    # --- the program ---

    def _variable(self, low: float, high: float, whole: bool) -> int:
        self._low.append(low)
        self._high.append(high)
        self._whole.append(int(whole))
        return len(self._low) - 1

    def _lay_out(self) -> None:
        region = self.region
        bans = [ban for ban in region.bans if ban.constraint in self.counted]
        rules = [
            (child, conditions) for child, conditions in region.limits.conditions if conditions
        ]
        for _, conditions in [*rules, *((ban.constraint, ban.conditions) for ban in bans)]:
            for i, condition in conditions:
                if condition not in self._tests[i]:
                    self._tests[i].append(condition)
        for i in region.involved:
            self._dimension(i, region.columns[i])
        for child, conditions in rules:
            self._rule(child, conditions)
        for ban in bans:
            self._ban(ban.conditions)
        for number, row in enumerate(region.rows):
            if row.constraint in self.counted:
                self._sum(number)

    def _dimension(self, i: int, column: Column) -> None:
        cells = _cells(column, self._tests[i])
        if i in self.region.used:
            self._number_of(i, column)
        chosen = [(self._variable(0, 1, True), cell) for cell in cells]
        self._cells[i] = chosen
        self._rows.add({variable: 1.0 for variable, _ in chosen}, 1.0, 1.0)
        if i in self._levels:
            for variable, cell in chosen:  # a level's binary is 1 only within its cell
                inside = [
                    level
                    for level, number in zip(self._levels[i], column.numbers, strict=True)
                    if cell.low <= number <= cell.high
                ]
                self._rows.add({variable: -1.0, **dict.fromkeys(inside, 1.0)}, 0.0, 0.0)
        elif i in self._number and len(cells) > 1:
            variable, offset, factor = self._number[i]
            room = column.continuous
            bounds = {z: (cell.low - offset) / factor for z, cell in chosen}
            inner = {self._room: -1.0} if room else {}
            self._rows.add(
                {variable: 1.0, **{z: -b for z, b in bounds.items()}, **inner}, 0.0, np.inf
            )
            bounds = {z: (cell.high - offset) / factor for z, cell in chosen}
            inner = {self._room: 1.0} if room else {}
            self._rows.add(
                {variable: 1.0, **{z: -b for z, b in bounds.items()}, **inner}, -np.inf, 0.0
            )

    def _number_of(self, i: int, column: Column) -> None:
        low, high = (float(ends[i]) for ends in self._bounds)
        even = column.levels is None or column.axis is column.parameter.axis
        step = getattr(column.parameter, "step", None)
        if not column.continuous and even and step is not None and high - low <= _WHOLE * step:
            first = column.low + step * max(math.ceil((low - column.low) / step - 1e-6), 0)
            last = max(math.floor((high - first) / step + 1e-6), 0)
            self._number[i] = (self._variable(0, last, True), first, float(step))
        elif column.levels is not None and len(column.levels) <= _BINARIES:
            self._levels[i] = [self._variable(0, 1, True) for _ in column.numbers]
        else:
            self._number[i] = (self._variable(0.0, 1.0, False), low, high - low or 1.0)

    def _terms(self, i: int, weight: float) -> tuple[dict[int, float], float]:
        """Return a weighted number as variables with their weights, and a constant."""
        if i in self._levels:
            numbers = self.region.columns[i].numbers
            pairs = zip(self._levels[i], numbers, strict=True)
            return {variable: weight * float(number) for variable, number in pairs}, 0.0
        variable, offset, factor = self._number[i]
        return {variable: weight * factor}, weight * offset

    def _met(self, i: int, condition: Condition) -> list[int]:
        """Return the cells of a dimension in which a condition holds."""
        number = self._tests[i].index(condition)
        return [variable for variable, cell in self._cells[i] if cell.met[number]]

    def _rule(self, child: int, conditions: Sequence[tuple[int, Condition]]) -> None:
        """Make a dimension active exactly where its conditions hold."""
        active = self._active[child] = self._variable(0, 1, True)
        every = {active: -1.0}
        needed = 0
        for i, condition in conditions:
            met = dict.fromkeys(self._met(i, condition), 1.0)
            self._rows.add({active: -1.0, **met}, 0.0, np.inf)
            needed += 1
            for variable in met:
                every[variable] = every.get(variable, 0.0) + 1.0
            if i in self._active:
                parent = self._active[i]
                self._rows.add({active: -1.0, parent: 1.0}, 0.0, np.inf)
                if parent not in every:
                    needed += 1
                    every[parent] = 1.0
        self._rows.add(every, -np.inf, needed - 1)

    def _ban(self, conditions: Sequence[tuple[int, Condition]]) -> None:
        terms: dict[int, float] = {}
        count = 0
        for i, condition in conditions:
            terms |= dict.fromkeys(self._met(i, condition), 1.0)
            count += 1
            if i in self._active:
                terms[self._active[i]] = 1.0
                count += 1
        self._rows.add(terms, -np.inf, count - 1)

    def _sum(self, number: int) -> None:
        row = self.region.rows[number]
        terms: dict[int, float] = {}
        constant, extent, ends = 0.0, 0.0, [0.0, 0.0]
        for i, weight in row.terms:
            column = self.region.columns[i]
            more, offset = self._terms(i, weight)
            terms |= more
            constant += offset
            least, most = (float(ends[i]) for ends in self._bounds)
            if i in self._levels:
                least, most = column.low, column.high
            both = sorted((weight * least, weight * most))
            extent += both[1] - both[0]
            ends = [ends[0] + both[0], ends[1] + both[1]]
        size = max([abs(weight) for weight in terms.values()], default=1.0) or 1.0
        inactive = [self._active[i] for i in row.needs if i in self._active]
        numbers = [self._number[i][0] for i, _ in row.terms if i in self._number]
        soft = not all(self._whole[variable] for variable in numbers)
        room = {self._room: extent / size} if soft and row.low != row.high else {}
        scaled = {variable: weight / size for variable, weight in terms.items()}
        if math.isfinite(row.high):
            free = max(ends[1] - row.high, 0.0) / size + _ROOM * extent / size
            loose = dict.fromkeys(inactive, free)
            bound = (row.high - constant) / size + free * len(inactive)
            self._rows.add({**scaled, **room, **loose}, -np.inf, bound)
        if math.isfinite(row.low):
            free = max(row.low - ends[0], 0.0) / size + _ROOM * extent / size
            loose = dict.fromkeys(inactive, -free)
            bound = (row.low - constant) / size - free * len(inactive)
            less = {variable: -weight for variable, weight in room.items()}
            self._rows.add({**scaled, **less, **loose}, bound, np.inf)

    # --- its solutions ---

    def solve(
        self,
        costs: dict[int, float] | None = None,
        active: Points | None = None,
        room: float = 1.0,
        near: Points | None = None,
    ) -> Points | None:
        """Return a point (d,) that is likely to keep the constraints; None if there is none.

        Args:
            costs: for dimensions, what going from their low to their high end costs.
            active: a point whose active dimensions are to be active; None for any.
            room: how much it is worth that sums are not at their bounds.
            near: a point (d,) from which to be as near as possible, instead of costs.
        """
        low, high, whole = list(self._low), list(self._high), list(self._whole)
        rows = _Rows(list(self._rows.entries), list(self._rows.low), list(self._rows.high))
        objective = dict.fromkeys(range(len(low)), 0.0)
        objective[self._room] = -room / _ROOM
        for i, cost in (costs or {}).items():
            for variable, weight in self._position_terms(i).items():
                objective[variable] += cost * weight
        if near is not None:
            for i in self.region.involved:
                self._distance(i, near[i], low, high, whole, rows, objective)
        if active is not None:
            for i, variable in self._active.items():
                low[variable] = high[variable] = float(active[i] != NOWHERE)
        costs_of_all = np.array([objective[k] for k in range(len(low))])
        x, _ = _solved(costs_of_all, low, high, whole, rows)
        return None if x is None else self._point(x, near)

    def is_infeasible(self) -> bool:
        """Tell whether it is proved that the program has no solution."""
        nothing = np.zeros(len(self._low))
        _, status = _solved(nothing, self._low, self._high, self._whole, self._rows)
        return status == _INFEASIBLE

    def _position_terms(self, i: int) -> dict[int, float]:
        """Return variables and weights that say where on its range, from 0 to 1, a dimension is."""
        column = self.region.columns[i]
        width = column.high - column.low or 1.0
        if i in self._number or i in self._levels:
            return self._terms(i, 1.0 / width)[0]
        cells = self._cells[i]
        return {variable: k / max(len(cells) - 1, 1) for k, (variable, _) in enumerate(cells)}

    def _distance(
        self,
        i: int,
        target: float,
        low: list[float],
        high: list[float],
        whole: list[int],
        rows: _Rows,
        objective: dict[int, float],
    ) -> None:
        """Let the distance of a dimension from a position cost something."""
        if target == NOWHERE:
            return
        column = self.region.columns[i]
        value = float(column.values(np.array([target]))[0])
        if i in self._number or i in self._levels:
            width = column.high - column.low or 1.0
            terms, constant = self._terms(i, 1.0 / width)
            distance = len(low)
            low.append(0.0)
            high.append(np.inf)
            whole.append(0)
            objective[distance] = 1.0
            rows.add({**terms, distance: 1.0}, value / width - constant, np.inf)
            rows.add({**terms, distance: -1.0}, -np.inf, value / width - constant)
        else:
            for variable, cell in self._cells[i]:
                objective[variable] += float(not cell.low <= value <= cell.high)

    def _point(self, x: Points, near: Points | None) -> Points:
        """Return the point (d,) of a solution; ``near`` says which of a cell's values is taken."""
        region = self.region
        point = np.zeros(region.dim)
        for i, column in enumerate(region.columns):
            wanted = 0.5 if near is None or near[i] == NOWHERE else near[i]
            if i in self._levels:
                k = int(np.argmax([x[one] for one in self._levels[i]]))
                assert column.levels is not None
                point[i] = column.levels[k]
            elif i in self._number:
                variable, offset, factor = self._number[i]
                value = round(x[variable]) if self._whole[variable] else x[variable]
                number = offset + factor * value
                if self._whole[variable]:
                    point[i] = column.nearest(np.array([number]))[0]
                else:
                    (cell,) = [c for z, c in self._cells[i] if x[z] > 0.5] or [_ALL]
                    point[i] = column.nearest(np.clip(np.array([number]), cell.low, cell.high))[0]
            elif i in self._cells and len(self._cells[i]) > 1:
                cell = max(self._cells[i], key=lambda pair: x[pair[0]])[1]
                point[i] = _within(column, cell, wanted, [self._met_of(i, cell)])
            else:
                point[i] = column.axis.snap(np.array([wanted]))[0]
        settled = point[None]
        if region.activity is not None:
            settled = region.activity.settled(settled, settled)
        return np.asarray(settled[0])

    def _met_of(self, i: int, cell: Cell) -> tuple[list[Condition], tuple[bool, ...]]:
        return self._tests[i], cell.met


def _solved(
    costs: Points, low: list[float], high: list[float], whole: list[int], rows: _Rows
) -> tuple[Points | None, int]:
    """Return a solution, None where none is found, and what the solver says."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    number, variable, weight = np.array(rows.entries).T
    places = number.astype(int), variable.astype(int)
    matrix = coo_array((weight, places), shape=(len(rows.low), len(low))).tocsr()
    found = milp(
        costs,
        integrality=np.array(whole),
        bounds=Bounds(np.array(low), np.array(high)),
        constraints=LinearConstraint(matrix, np.array(rows.low), np.array(rows.high)),
        options=dict(_OPTIONS),  # it takes out of it what it uses
    )
    return found.x, int(found.status)


_ALL = Cell(-math.inf, math.inf, ())


def _cells(column: Column, conditions: Sequence[Condition]) -> list[Cell]:
    """Return the cells of a dimension's numbers (indices, where it has none)."""
    if not conditions:
        return [Cell(column.low, column.high, ())]
    if column.levels is not None:
        decoded = column.parameter.decode(column.levels)
        met = [tuple(one.holds(value) for one in conditions) for value in decoded]
        numbers = column.numbers
        cells: list[Cell] = []
        for number, signature in zip(numbers.tolist(), met, strict=True):
            if cells and cells[-1].met == signature:
                cells[-1] = Cell(cells[-1].low, number, signature)
            else:
                cells.append(Cell(number, number, signature))
        return cells
    return _cut(column, conditions)


def _cut(column: Column, conditions: Sequence[Condition]) -> list[Cell]:
    """Return the cells of a continuum, or of many levels, between the numbers of conditions."""
    marks: set[float] = set()
    for one in conditions:
        if isinstance(one, Between):
            if one.at_least is not None:
                marks |= {one.at_least, math.nextafter(one.at_least, -math.inf)}
            if one.at_most is not None:
                marks |= {one.at_most, math.nextafter(one.at_most, math.inf)}
        else:
            for value in np.array(one.values, dtype=np.float64).tolist():
                marks |= {value, math.nextafter(value, -math.inf), math.nextafter(value, math.inf)}
    inside = sorted(
        {column.low, column.high} | {m for m in marks if column.low <= m <= column.high}
    )
    cells: list[Cell] = []
    for number in inside:
        met = tuple(one.holds(number) for one in conditions)
        if cells and cells[-1].met == met:
            cells[-1] = Cell(cells[-1].low, number, met)
        else:
            cells.append(Cell(number, number, met))
    return cells


def _within(
    column: Column,
    cell: Cell,
    wanted: float,
    judged: Sequence[tuple[list[Condition], tuple[bool, ...]]],
) -> float:
    """Return the position in a cell that is nearest to a wanted one."""
    if column.levels is not None:
        inside = (column.numbers >= cell.low) & (column.numbers <= cell.high)
        levels = column.levels[inside]
        return float(levels[np.argmin(np.abs(levels - wanted))])
    number = float(column.values(np.array([wanted]))[0])
    return float(column.nearest(np.array([min(max(number, cell.low), cell.high)]))[0])


def mended(
    region: Region, points: Points, sweeps: int = 30, everything: bool = False
) -> tuple[Points, Mask]:
    """Return points (m, d) moved onto the constraints, and which of them keep these now (m,).

    Args:
        region: whose constraints.
        points: settled.
        sweeps: how often continuous dimensions go through the rows at most.
        everything: whether levels move, too, to make up for what rounding has led out.
    """
    fine = region.holds(points)
    bad = np.flatnonzero(~fine)
    if not len(bad):
        return points, fine
    points = points.copy()
    moved = evened(region, projected(region, points[bad], sweeps), everything)
    if region.activity is not None:  # what moved may decide on others
        moved = region.activity.settled(moved, np.full(region.dim, 0.5))
    held = region.holds(moved)
    points[bad[held]], fine[bad[held]] = moved[held], True
    return points, fine


def contradiction(region: Region) -> list[int]:
    """Return constraints that cannot hold together, none of which could be left out.

    Empty where nothing proves that there are any.
    """
    kept = list(range(len(region.limits.constraints)))
    if not _impossible(region, kept):
        return []
    for one in list(kept):
        fewer = [other for other in kept if other != one]
        if _impossible(region, fewer):
            kept = fewer
    return kept


def _impossible(region: Region, constraints: Sequence[int]) -> bool:
    chosen = [row for row in region.rows if row.constraint in constraints]
    if any(_indivisible(region, row) for row in chosen):
        return True
    return Program(region, constraints).is_infeasible()


def _indivisible(region: Region, row: Row) -> bool:
    """Tell whether a row is an equation of integers that a common divisor rules out."""
    columns = [region.columns[i] for i, _ in row.terms]
    conditional = [] if region.activity is None else region.activity.conditional.tolist()
    if (
        row.low != row.high
        or set(row.needs) & set(conditional)
        or not all(isinstance(column.parameter, Int) for column in columns)
    ):
        return False
    weights = [Fraction(weight) for _, weight in row.terms]
    rest = Fraction(row.high)
    steps = []
    for weight, column in zip(weights, columns, strict=True):
        rest -= weight * Fraction(column.low)
        steps.append(weight * Fraction(column.step) if column.axis.size != 1 else Fraction(0))
    unit = math.lcm(*(one.denominator for one in [rest, *steps]))
    divisor = math.gcd(*(int(one * unit) for one in steps))
    return int(rest * unit) % divisor != 0 if divisor else rest != 0
