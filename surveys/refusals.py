"""Why a centre's document cannot be as it is given: reasons in both languages."""

from pathlib import Path

from surveys.messages import MessageError, Messages

MESSAGES = Messages.load(Path(__file__).parent / "messages")


class CentreError(MessageError):
    """Such a reason, from our own catalogue, whichever the caller's is."""

    section = "centre."

    def text(self, messages: Messages, language: str) -> str:
        """The reason in a language; ``messages`` are not asked."""
        return super().text(MESSAGES, language)

    def __str__(self) -> str:
        return self.text(MESSAGES, "en")
