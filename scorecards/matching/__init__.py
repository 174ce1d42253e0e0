"""The pages of matching: what waits for somebody's choice, and what belongs to one record."""
