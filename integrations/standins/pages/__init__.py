"""The pages on which a person acts "in the CRM". They are no part of the product's own pages."""
