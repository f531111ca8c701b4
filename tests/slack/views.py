"""What views.* do with modals and Home tabs, and what Slack refuses of them."""

import json
from dataclasses import dataclass
from time import monotonic

from tests.slack.access import Refused, invalid
from tests.slack.limits import MOST_VIEW_BYTES, faults_of_view
from tests.slack.messages import Messages
from tests.slack.workspace import TRIGGER_SECONDS, Json, Trigger, View, Workspace

MOST_MODALS = 3
"""How many modals may lie on one another."""


@dataclass
class Views:
    """Deals with views. `home_tab` says whether the Home tab is switched on in the app's settings."""

    workspace: Workspace
    faults: list[str]
    messages: Messages
    home_tab: bool = True

    def open(self, told: Json) -> Json:
        content = self.checked(told["view"], "views.open", "modal")
        trigger = self._exchanged(told)
        return {"view": self.described(self.workspace.open(trigger.owner, content))}

    def push(self, told: Json) -> Json:
        content = self.checked(told["view"], "views.push", "modal")
        trigger = self._exchanged(told)
        if trigger.view is None or trigger.view.id not in self.workspace.views:
            raise Refused("not_found")
        return {"view": self.described(self.pushed(trigger.view, content))}

    def pushed(self, under: View, content: Json) -> View:
        """One more modal on those that are open. Raises Refused where that is one too many."""
        if len(under.owner.modals) >= MOST_MODALS:
            raise Refused("push_limit_reached")
        return self.workspace.open(under.owner, content, under=under)

    def update(self, told: Json) -> Json:
        view = self._found(told)
        if told.get("hash") not in (None, view.hash):
            raise Refused("hash_conflict")
        content = self.checked(told["view"], "views.update", str(view.content["type"]), of=view)
        self.workspace.change(view, content)
        return {"view": self.described(view)}

    def publish(self, told: Json) -> Json:
        owner = self.workspace.account(told["user_id"])
        if owner is None:
            raise invalid("invalid_arguments", ["invalid `user_id`"])
        if not self.home_tab:
            raise Refused("not_enabled")
        if owner.home is None:
            content = self.checked(told["view"], "views.publish", "home")
            return {"view": self.described(self.workspace.open(owner, content))}
        if told.get("hash") not in (None, owner.home.hash):
            raise Refused("hash_conflict")
        content = self.checked(told["view"], "views.publish", "home", of=owner.home)
        self.workspace.change(owner.home, content)
        return {"view": self.described(owner.home)}

    def checked(self, content: object, method: str, kind: str, *, of: View | None = None) -> Json:
        """A view that Slack would take. Raises Refused."""
        found = faults_of_view(content)
        if isinstance(content, dict) and content.get("type") != kind:
            found.append(f"/view/type: a {kind} is needed")
        if found or not isinstance(content, dict):
            self.faults.extend(f"{method}: {one}" for one in found)
            large = isinstance(content, dict) and len(json.dumps(content)) > MOST_VIEW_BYTES
            raise Refused("view_too_large") if large else invalid("invalid_arguments", found)
        self.messages.check_mentions(content, method)
        name = content.get("external_id")
        if name and any(one.external_id == name and one is not of for one in self.workspace.views.values()):
            raise Refused("duplicate_external_id")
        return content

    def described(self, view: View) -> Json:
        return self.workspace.described(view) | {"state": {"values": {}}}

    def _exchanged(self, told: Json) -> Trigger:
        """The interaction that a trigger_id stands for, used up by this. Raises Refused."""
        trigger = self.workspace.triggers.get(str(told.get("trigger_id")))
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        age = max(self.workspace.now() - trigger.made, monotonic() - trigger.made_really)
        if age > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger

    def _found(self, told: Json) -> View:
        view_id, name = told.get("view_id"), told.get("external_id")
        if view_id is None and name is None:
            raise invalid("invalid_arguments", ["missing required field: view_id or external_id"])
        views = self.workspace.views.values()
        view = next((one for one in views if one.id == view_id or (name and one.external_id == name)), None)
        if view is None:
            raise Refused("not_found")
        return view
