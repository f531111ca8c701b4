"""The shapes in which Slack tells what happened: what auditloop reads of them, and how long each part may be."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: Any) -> Any:
        """Slack leaves out what it doesn't know, or says null."""
        return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


class Named(Part):
    id: str = Field(default="", max_length=64)


class User(Named):
    team_id: str = Field(default="", max_length=64)


class State(Part):
    values: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class Element(Part):
    action_id: str = Field(default="", max_length=255)


class Block(Part):
    type: str = Field(default="", max_length=64)
    block_id: str = Field(default="", max_length=255)
    element: Element | None = None

    @model_validator(mode="after")
    def _asks(self) -> "Block":
        if self.type == "input" and (self.element is None or not self.element.action_id):
            raise ValueError("an input without its element")
        return self


class View(Part):
    id: str = Field(max_length=64, min_length=1)
    hash: str = Field(default="", max_length=128)
    type: str = Field(max_length=16)
    callback_id: str = Field(default="", max_length=255)
    private_metadata: str = Field(default="", max_length=3000)
    state: State | None = None
    blocks: list[Block] = Field(default_factory=list)


class Action(Part):
    type: str = Field(default="button", max_length=64)
    action_id: str = Field(max_length=255)
    action_ts: str = Field(default="", max_length=64)
    value: str | None = Field(default=None, max_length=2000)


class Container(Part):
    type: str = Field(default="", max_length=32)
    message_ts: str = Field(default="", max_length=32)
    thread_ts: str = Field(default="", max_length=32)
    channel_id: str = Field(default="", max_length=64)
    is_ephemeral: bool = False


class Message(Part):
    ts: str = Field(default="", max_length=32)
    thread_ts: str = Field(default="", max_length=32)


class Interaction(Part):
    type: str
    user: User
    team: Named | None = None
    trigger_id: str = Field(default="", max_length=255)
    response_url: str = Field(default="", max_length=1000)
    callback_id: str = Field(default="", max_length=255)
    actions: list[Action] = Field(default_factory=list, max_length=50)
    container: Container = Container()
    channel: Named = Named()
    message: Message = Message()
    view: View | None = None


class Command(Part):
    command: str = Field(default="/qa", max_length=64)
    user_id: str = Field(max_length=64, min_length=1)
    team_id: str = Field(max_length=64)
    channel_id: str = Field(default="", max_length=64)
    text: str = ""
    trigger_id: str = Field(default="", max_length=255)
    response_url: str = Field(default="", max_length=1000)


class Event(Part):
    type: str = Field(max_length=64)
    subtype: str | None = None
    user: str | dict[str, Any] = ""
    bot_id: str | None = None
    team: str | None = Field(default=None, max_length=64)
    user_team: str | None = Field(default=None, max_length=64)
    text: str | None = None
    ts: str = Field(default="", max_length=32)
    thread_ts: str = Field(default="", max_length=32)
    channel: str | dict[str, Any] = ""
    channel_type: str = ""
    tab: str = ""


class Told(Part):
    team_id: str = Field(max_length=64)
    event_id: str = Field(max_length=64, min_length=1)
    event: Event
