"""The report's sections, one module each; ``dashboards.report.content`` puts them in order."""
