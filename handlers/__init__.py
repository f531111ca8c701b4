"""What happens when a person answers: one module per conversation."""
