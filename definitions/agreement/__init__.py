"""From a draft to what is in force: editing, differences, signatures, watching, promoting."""
