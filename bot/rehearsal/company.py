"""The people of a rehearsal: the cast, and a stand-in for every role left out, in one service."""

from collections import Counter

from sqlalchemy import select

from audits.framework import Framework
from bot.rehearsal.script import RehearsalError, Script
from storage.store import Transaction
from storage.tables import CaseRow, PersonRow

AREA = "The service"
ELSEWHERE = "Another part of the service"


class Company:
    """Who plays whom. Names are matched whatever their capitals."""

    def __init__(self, framework: Framework, script: Script) -> None:
        self.framework = framework
        self.players: dict[str, list[str]] = {}
        cast: dict[str, list[str]] = {}
        for word, names in script.cast.items():
            role = framework.role_key(word)
            if role is None:
                raise RehearsalError(
                    f"cast: {framework.about.title} has no role {word!r}. Roles: {', '.join(framework.roles)}."
                )
            cast[role] = [names] if isinstance(names, str) else list(names or [])
        named = Counter(name.casefold() for names in cast.values() for name in names)
        for name, count in named.items():
            if count > 1:
                raise RehearsalError(f"cast: {name!r} stands there {count} times. Give each role a person of its own.")
        self.cast = cast
        for role, terms in framework.roles.items():
            self.players[role] = cast.get(role, [terms.label])
        self.ids: dict[str, int] = {}
        self.roles_of: dict[int, str] = {}

    async def gather(self, tx: Transaction) -> None:
        """Put the people into the service, each under the first holder of the role that theirs reports to."""
        rows: dict[str, list[PersonRow]] = {}
        for role, names in self.players.items():
            for name in names:
                row = PersonRow(
                    name=name,
                    email=f"{role}.{len(self.ids) + 1}@rehearsal.invalid",
                    role=role,
                    service_area=self._area(role),
                )
                tx.session.add(row)
                await tx.session.flush()
                self.ids.setdefault(name.casefold(), row.id)
                self.roles_of[row.id] = role
                rows.setdefault(role, []).append(row)
        for role, found in rows.items():
            for row in found:
                above = self._above(role)
                row.manager_id = rows[above][0].id if above else None
        await tx.session.flush()
        await tx.people_changed()

    def _area(self, role: str) -> str:
        """Auditors come from elsewhere where the framework wants cases from another part of the service."""
        elsewhere = self.framework.sampling.area == "other" and self.framework.roles[role].audits
        return ELSEWHERE if elsewhere else AREA

    def _above(self, role: str) -> str | None:
        above = self.framework.roles[role].reports_to
        while above is not None and not self.players[above]:
            above = self.framework.roles[above].reports_to
        return above

    def person(self, word: str, where: str) -> int:
        """The id of a role's first holder, or of a name of the cast. Raises RehearsalError naming those there are."""
        if word.casefold() in self.ids:
            return self.ids[word.casefold()]
        role = self.framework.role_key(word)
        if role is not None and self.players[role]:
            return self.ids[self.players[role][0].casefold()]
        if role is not None:
            raise RehearsalError(f"{where}: nobody holds the role {role} in this cast.")
        known = ", ".join([*self.framework.roles, *sorted(self.ids)])
        raise RehearsalError(f"{where}: nobody here is called {word!r}. Known are: {known}.")

    async def hire(self, tx: Transaction, name: str, like: int) -> int:
        """A further person with the same role, team and manager as one who is there."""
        model = await tx.session.get_one(PersonRow, like)
        row = PersonRow(
            name=name,
            email=f"{model.role}.{len(self.ids) + 1}@rehearsal.invalid",
            role=model.role,
            service_area=model.service_area,
            manager_id=model.manager_id,
        )
        tx.session.add(row)
        await tx.session.flush()
        await tx.people_changed()
        self.ids[name.casefold()] = row.id
        self.roles_of[row.id] = model.role
        return row.id

    def auditors(self, where: str) -> list[int]:
        """The auditors of a cycle in turn: whole teams that the cast names, else the auditor of the rehearsal.

        Raises RehearsalError where the cast leaves that role vacant.
        """
        teams = [role for role in self.framework.auditor_roles if len(self.cast.get(role, ())) > 1]
        if teams:
            return [self.ids[name.casefold()] for role in teams for name in self.cast[role]]
        return [self.auditor(where)]

    def auditor(self, where: str) -> int:
        """Who audits where nobody is named: the first of the role called auditor, else of the first that audits."""
        role = self.framework.role_key("auditor") or self.framework.auditor_roles[0]
        if not self.players[role]:
            raise RehearsalError(
                f"{where}: nobody holds the role {role} in this cast, so nobody can be allocated an audit."
            )
        return self.ids[self.players[role][0].casefold()]

    async def case(self, tx: Transaction, ref: str, plan: str, holder: int) -> CaseRow:
        row: CaseRow | None = await tx.session.scalar(select(CaseRow).where(CaseRow.ref == ref))
        if row is None:
            row = CaseRow(ref=ref, plan=plan, service_area=AREA, holder_id=holder, on_list=True)
            tx.session.add(row)
            await tx.session.flush()
        return row
