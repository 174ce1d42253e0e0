"""The nightly check of the whole model: against the live schema of the CRMs, the data, and itself."""
