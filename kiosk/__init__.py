"""Everything that asks: the touch screen, the phone form, the posters, and the outbox."""
