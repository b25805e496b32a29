"""Tables of a study: a row for each trial, as plain dicts, as columns, as a frame, as CSV."""

from asktell.tables.frame import to_frame
from asktell.tables.overview import overview
from asktell.tables.rows import columns, csv_lines, trial_rows

__all__ = ["columns", "csv_lines", "overview", "to_frame", "trial_rows"]
