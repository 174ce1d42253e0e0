"""The editor of conditions and what it counts."""
