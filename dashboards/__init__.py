"""What people look at: the live board, Grafana dashboards as code, the weekly report."""
