"""The indices: pure functions from answers, records and published tables to scores."""
