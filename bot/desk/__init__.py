"""The desk: auditloop's own small web channel, on loopback, with SQLite. A door like the others."""
