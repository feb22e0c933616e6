"""Native label names, one table per source."""
