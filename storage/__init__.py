"""Tables, queries, migrations, importers, and the ledger that records an event with all that follows from it."""
