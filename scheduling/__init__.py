"""What happens when time passes: the ticker, cycles, and the delivery of messages."""
