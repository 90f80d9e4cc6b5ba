"""Grafana as code: dashboards out of the metric registry, and the files that provision them."""
