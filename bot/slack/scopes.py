"""What the bot's token must be allowed to do, and what goes wrong without it."""

from collections.abc import Mapping

NEEDED: Mapping[str, str] = {
    "chat:write": "nobody can be written to",
    "commands": "/qa and the shortcuts don't work",
    "files:write": "calendar files and charts can't be sent",
    "im:history": "what people write to auditloop isn't heard",
    "im:write": "no chat with anybody can be opened",
    "users:read": "nobody is known",
    "users:read.email": "nobody can be matched by their e-mail address",
}
"""Each scope that the manifest asks for, and what it is like without."""
