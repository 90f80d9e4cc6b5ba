"""The weekly report: the figures of a week, said in plain Swedish and laid out for the screen and for A4."""

from __future__ import annotations

from dashboards.report.compute import weekly_report
from dashboards.report.html import render_html
from dashboards.report.model import Report

__all__ = ["Report", "render_html", "weekly_report"]
