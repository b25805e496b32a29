"""A study as one HTML file: the answer, how it was found, what mattered, and the study itself."""

from asktell.reports.study_report import report, write_report

__all__ = ["report", "write_report"]
