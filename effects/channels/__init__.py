"""How an effect leaves: one module per channel, registered in ``gtmops.wiring``."""
