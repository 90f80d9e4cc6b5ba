"""The board's figures as JSON, described by OpenAPI 3.1: /api/v1."""
