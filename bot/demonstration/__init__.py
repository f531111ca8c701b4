"""A made-up service for the demonstration: its people, its case list, and one month's allocations."""
