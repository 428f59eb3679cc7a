"""Why a centre's document cannot be as it is given: reasons in both languages."""

from pathlib import Path

from surveys.messages import MessageError, Messages

MESSAGES = Messages.load(Path(__file__).parent / "messages")


class CentreError(MessageError):
    """Such a reason, from our own catalogue, whichever the caller's is."""

    section = "centre."

    def text(self, messages: Messages, language: str) -> str:
        """The reason in a language; ``messages`` are not asked."""
        point = "," if language == "vi" else "."
        said = {
            name: f"{value:g}".replace(".", point) if isinstance(value, float) else value
            for name, value in self.values.items()
        }
        return MESSAGES.get(language, self.message, **said)

    def __str__(self) -> str:
        return self.text(MESSAGES, "en")
