"""A table of trials for pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asktell.errors import MissingExtraError, ParamsError
from asktell.space.parameters import Bool, Float, Int, Ordinal, Parameter
from asktell.state import State
from asktell.tables.rows import Study, columns, state_of


def to_frame(study: State | Study) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each trial.

    Columns are those of :func:`asktell.tables.columns`: ``trial``, ``status``, ``params.lr``,
    ``target`` (or ``target.loss``), ``reason``, ``seconds`` and so on. Integers stay integers,
    choices are categories, ordinal values that are no numbers are ordered ones. A parameter that is
    not active is missing in its row, as ``pandas.isna`` has it; so is what a trial that is left out
    of the space had beyond its range (:func:`trial_rows` has that). Moments are seconds
    on the caller's clock: ``pandas.to_datetime(frame["told_at"], unit="s")`` makes dates of them,
    where they came from ``time.time()``.

    Args:
        study: an engine, or a state.

    Raises:
        MissingExtraError: an ``ImportError``; the package pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        message = "a frame needs the package pandas: pip install 'asktell[frames]'"
        raise MissingExtraError(message) from None
    state = state_of(study)
    table = columns(state)
    dtypes: dict[str, Any] = {name: "float64" for name in table if name.startswith(_NUMBERS)}
    dtypes |= {"trial": "int64", "feasible": "boolean", "status": "object", "ids": "object"}
    dtypes |= dict.fromkeys(("origin", "left_out", "reason", "cause"), "object")
    dtypes |= dict.fromkeys(("suggested_at", "told_at", "seconds"), "float64")
    is_out = [trial.left_out is not None for trial in state.trials]
    for parameter in state.space.parameters:
        name = f"params.{parameter.name}"
        pairs = zip(table[name], is_out, strict=True)
        table[name] = [_known(parameter, value) if out else value for value, out in pairs]
        dtypes[name] = _dtype(pandas, parameter, None in table[name])
        if dtypes[name] == "object":  # None may be a value, so what is missing is something else
            there = [parameter.name in trial.params for trial in state.trials]
            pairs = zip(table[name], there, strict=True)
            table[name] = [value if is_there else pandas.NA for value, is_there in pairs]
    made = {name: pandas.Series(values, dtype=dtypes[name]) for name, values in table.items()}
    return pandas.DataFrame(made)


def _known(parameter: Parameter, value: Any) -> Any:
    """Return a value that may be of another space; None where the parameter does not have it."""
    try:
        return parameter.check(value)
    except ParamsError:
        return None


_NUMBERS = ("target", "std")
_LARGEST = 2**63 - 1


def _dtype(pandas: Any, parameter: Parameter, is_missing: bool) -> Any:
    """Return the type of a parameter's column; where values are missing, one that can say so."""
    if isinstance(parameter, Float):
        return "float64"
    if isinstance(parameter, Bool):
        return "boolean" if is_missing else "bool"
    if isinstance(parameter, Int):
        return _integers([parameter.low, parameter.high], is_missing)
    is_ordinal = isinstance(parameter, Ordinal)
    values = parameter.values if isinstance(parameter, Ordinal) else parameter.choices
    kinds = {type(value) for value in values}
    if is_ordinal and kinds == {int}:
        return _integers(values, is_missing)
    if is_ordinal and kinds <= {int, float}:
        return "float64"
    if None in values:  # pandas would take it for a missing value
        return "object"
    return pandas.CategoricalDtype(values, ordered=is_ordinal)


def _integers(values: Sequence[Any], is_missing: bool) -> str:
    if max(map(abs, values)) > _LARGEST:
        return "object"
    return "Int64" if is_missing else "int64"
