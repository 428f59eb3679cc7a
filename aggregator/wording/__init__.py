"""How figures are said and drawn: numbers, periods, channels, charts, messages."""
