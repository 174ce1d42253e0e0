"""Which account a buyer belongs to where no CRM says so, and which records people joined or split by hand."""
