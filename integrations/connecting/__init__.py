"""Connecting a CRM in the browser, from signing in to going live, and the way back."""
