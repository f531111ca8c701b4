"""What the platforms are given when auditloop is installed there: data, read by the commands under `bot`."""
