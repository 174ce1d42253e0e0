"""Writing SLA rules: as a sentence, tried on last month's records, watched before they hold."""
