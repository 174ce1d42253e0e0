"""Moving a record's stage from gtmops: which ways there are, what they ask for, and the act."""
