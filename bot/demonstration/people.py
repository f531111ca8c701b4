"""The people of the demonstration: made-up names in the roles of any framework, in four teams of two service areas."""

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audits.framework import Framework

ASSESSMENT = "Assessment and Safeguarding"
PERMANENCE = "Care and Permanence"
TEAMS_OF = {
    ASSESSMENT: ("Harbour Assessment Team", "Hillside Safeguarding Team"),
    PERMANENCE: ("Orchard Children in Care Team", "Lantern Permanence Team"),
}
IN_A_TEAM = 3
IN_A_QA_TEAM = 2

NAMES = (
    *("Amina Fairwater", "Callum Thistledown", "Priya Larkspur", "Dewi Marshbank", "Ngozi Applegarth"),
    *("Tomasz Brightwell", "Siân Merrivale", "Yusuf Hollinbrook", "Grace Pennywhistle", "Kofi Lambswick"),
    *("Niamh O'Merrow", "Harpreet Silverdale", "Joel Candlemere", "Mei Winterbourne-Lee", "Rosa Quillfeather"),
    *("Idris Underbough", "Hannah Foxglove", "Babatunde Greenhithe", "Farah Moonraker", "Ewan Cloudsley"),
    *("Shanice Bellweather", "Marek Oakenshaw", "Leila Swansmere", "Duncan Puddifoot", "Anjali Rosethwaite"),
    *("Winston Featherstonehay", "Zoë Hartlewick", "Rashid Copperfield-Khan", "Bronwen Starling", "Emeka Ravensbeck"),
    *("Nadia Willowby", "Fergus Tanglewood", "Chipo Summerhayes", "Olga Primrose", "Samir Ashenhurst"),
    *("Bethan Goldfinch", "Delroy Kingsmallow", "Keiko Bramblewood", "Patrick Nettlefold", "Sunita Dovecote"),
)


@dataclass(frozen=True)
class Place:
    """Where a post sits: in a team, over a service area, or (both empty) over the whole service."""

    area: str = ""
    team: str = ""

    def covers(self, other: "Place") -> bool:
        return self.area in ("", other.area) and self.team in ("", other.team)


@dataclass(frozen=True)
class Colleague:
    """A made-up person. `role` is the framework's key; `manager_email` is empty at the top."""

    name: str
    email: str
    role: str
    place: Place
    manager_email: str = ""


WHOLE = (Place(),)
BY_AREA = tuple(Place(area) for area in TEAMS_OF)
BY_TEAM = tuple(Place(area, team) for area, teams in TEAMS_OF.items() for team in teams)
# Those who hold cases, their managers, and the managers of these; whoever stands higher is there once.
UP_THE_LINE = (BY_TEAM, BY_TEAM, BY_AREA)


def colleagues(framework: Framework) -> tuple[Colleague, ...]:
    """Everyone in the service, so that each role has a holder; the same people every time."""
    posts = [(role, place) for role, places in _places(framework).items() for place in places]
    names = _names(len(posts))
    addresses = [_address(name) for name in names]
    held: dict[str, list[tuple[Place, str]]] = {}
    for (role, place), address in zip(posts, addresses, strict=True):
        held.setdefault(role, []).append((place, address))
    return tuple(
        Colleague(name, address, role, place, _manager(framework, role, place, held))
        for name, address, (role, place) in zip(names, addresses, posts, strict=True)
    )


def write_people(path: Path, people: Sequence[Colleague]) -> None:
    """Write the people as a CSV file that the importer reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Name", "Email", "Role", "Team", "Manager", "Service area"])
        rows.writerows(
            [one.name, one.email, one.role, one.place.team, one.manager_email, one.place.area] for one in people
        )


def _line(framework: Framework, role: str) -> list[str]:
    """The role and those above it, lowest first; a circle ends where it closes."""
    line: list[str] = []
    above: str | None = role
    while above is not None and above not in line:
        line.append(above)
        above = framework.roles[above].reports_to
    return line


def _places(framework: Framework) -> dict[str, tuple[Place, ...]]:
    """The posts of each role. A role beside the line is there as often as the role of the line that it reports to."""
    bottom = framework.case_roles[0]
    line = _line(framework, bottom)
    spread = dict(zip(line, UP_THE_LINE, strict=False))
    managing = {role.reports_to for role in framework.roles.values()}
    places: dict[str, tuple[Place, ...]] = {}
    for key, role in framework.roles.items():
        joined = next((above for above in _line(framework, key) if above in line), "")
        once = WHOLE if role.council else spread.get(joined, WHOLE)
        alone = 1
        if key == bottom:
            alone = IN_A_TEAM
        elif role.one_of:
            alone = 0
        elif role.qa and key not in managing:
            alone = IN_A_QA_TEAM
        places[key] = tuple(place for place in once for _ in range(alone))
    return places


def _manager(framework: Framework, role: str, place: Place, held: Mapping[str, Sequence[tuple[Place, str]]]) -> str:
    """The e-mail address of the nearest holder above whose part of the service takes this place in."""
    for above in _line(framework, role)[1:]:
        for managed, address in held[above]:
            if managed.covers(place):
                return address
    return ""


def _names(count: int) -> list[str]:
    """So many different names; past the end of the list, forenames meet the surnames further on."""
    halves = [name.split(" ", 1) for name in NAMES]
    size = len(halves)
    return [f"{halves[at % size][0]} {halves[(at + at // size) % size][1]}" for at in range(count)]


def _address(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    mailbox = plain.replace("'", "").replace(" ", ".")
    return f"{mailbox}@example.org"
