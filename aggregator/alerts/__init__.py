"""Alerts: what should be looked at now, and telling people of it once."""
