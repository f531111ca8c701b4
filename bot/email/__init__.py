"""E-mail, for whom the platform can't reach: one way, without grades or free text, and never instead of the ladder."""
