"""What whoever watches over auditloop can read of it: figures for Prometheus, readiness, and a sign of life."""
