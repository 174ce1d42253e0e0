"""Local stand-in CRMs (Demo Salesforce, Demo HubSpot) and a mail sink, for the demo and for tests."""
