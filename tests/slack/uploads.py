"""How a file comes into Slack: a place for it, the bytes, and the message that shares it."""

from dataclasses import dataclass
from typing import Any

from tests.slack.access import Refused, invalid
from tests.slack.messages import Messages
from tests.slack.workspace import Conversation, File, Json, Workspace, digest

_PICTURES = (".png", ".jpg", ".jpeg", ".gif")


@dataclass
class Uploads:
    """Deals with files. A picture without words for those who can't see it is a fault."""

    workspace: Workspace
    faults: list[str]
    messages: Messages

    def place(self, told: Json, url: str) -> Json:
        """Where to send the bytes."""
        try:
            size = int(told["length"])
        except (TypeError, ValueError):
            raise invalid("invalid_arguments", ["length is no number"]) from None
        name, words = str(told["filename"]), str(told.get("alt_txt") or "")
        if name.casefold().endswith(_PICTURES) and not words.strip():
            self.faults.append(f"the picture {name} has no alt text")
        if len(words) > 1000:
            raise Refused("alt_txt_too_large")
        file_id = f"F0{digest(f'file {self.workspace.number()}')}"
        self.workspace.files[file_id] = File(file_id, name, size, words)
        return {"upload_url": f"{url}/upload/v1/{file_id}", "file_id": file_id}

    def take(self, file_id: str, data: bytes) -> bool:
        """Take the bytes, if they are as many as were announced."""
        held = self.workspace.files.get(file_id)
        if held is None or len(data) != held.size:
            return False
        held.data = data
        return True

    def share(self, told: Json) -> Json:
        """Put files that have come into a conversation, as one message."""
        named: Any = told["files"]
        if not isinstance(named, list) or not named or not all(isinstance(one, dict) for one in named):
            raise invalid("invalid_arguments", ["files is no list of files"])
        shown = []
        for one in named:
            held = self.workspace.files.get(str(one.get("id")))
            if held is None or held.data is None or held.shared:
                raise Refused("file_not_found")
            shown.append((held, {"id": held.id, "title": str(one.get("title") or held.name)}))
        place = self._place(told["channel_id"]) if told.get("channel_id") else None
        for held, _ in shown:
            held.shared = True
        if place is not None:
            files = [about | {"name": held.name, "alt_txt": held.alt_text} for held, about in shown]
            self._post(place, told, files)
        return {"files": [about for _, about in shown]}

    def _place(self, channel: object) -> Conversation:
        place = self.workspace.conversations.get(str(channel))
        if place is None:
            raise Refused("channel_not_found")
        if not place.has_app:
            raise Refused("not_in_channel")
        return place

    def _post(self, place: Conversation, told: Json, files: list[Json]) -> None:
        comment = str(told.get("initial_comment") or "")
        self.messages.check_mentions({"text": comment}, "files.completeUploadExternal")
        self.workspace.post(place, {"text": comment, "files": files}, thread_ts=told.get("thread_ts"))
