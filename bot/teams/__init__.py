"""Microsoft Teams: a door like the others."""
