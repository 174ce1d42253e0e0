"""Slack as a way to tell people; channels ``slack`` (one person) and ``slack_channel``."""
