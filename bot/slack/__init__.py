"""The Slack door: what comes from Slack and goes to it, by Slack's own libraries."""
