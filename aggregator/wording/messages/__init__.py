"""The aggregator's message catalogue, which its commands need without its pages."""

from pathlib import Path

from surveys.messages import Messages

MESSAGES = Messages.load(Path(__file__).parent)
