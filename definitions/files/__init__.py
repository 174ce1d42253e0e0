"""The operating model as files, and the starter model."""
