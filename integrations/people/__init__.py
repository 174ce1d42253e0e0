"""People from the owners of the CRMs: proposed, decided by an admin, done in one step."""
