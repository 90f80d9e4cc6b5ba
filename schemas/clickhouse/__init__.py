"""The ClickHouse side of the vocabulary: columns of the tables, numbered migrations, queries."""
