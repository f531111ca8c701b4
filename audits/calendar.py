"""Working days, quiet hours and local time for one council (RULEBOOK, section 0: P5, P6, P7)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

END_OF_DAY = time(23, 59)


@cache
def _bank_holidays(country: str, region: str, year: int) -> dict[date, str]:
    return dict(country_holidays(country, subdiv=region, years=year, language="en_GB").items())


@dataclass(frozen=True)
class WorkCalendar:
    """Monday to Friday less bank holidays, with working hours, in one time zone.

    Moments that come in must be aware; moments that go out are in UTC. Dates and times of day are local.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    country: str = "GB"
    region: str = "ENG"
    opens: time = time(8, 0)
    closes: time = time(18, 0)

    def bank_holiday(self, day: date) -> str | None:
        """The name of the bank holiday on this day, or None."""
        return _bank_holidays(self.country, self.region, day.year).get(day)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and self.bank_holiday(day) is None

    def on_or_after(self, day: date) -> date:
        """This day, or the next working day (start and "not before" dates roll forward, P2)."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def on_or_before(self, day: date) -> date:
        """This day, or the working day before it ("by" and "within" dates roll back, P2)."""
        while not self.is_working_day(day):
            day -= timedelta(days=1)
        return day

    def shift(self, day: date, working_days: int) -> date:
        """The day so many working days later (or earlier, if negative); the start day doesn't count (P5)."""
        step = timedelta(days=1 if working_days > 0 else -1)
        for _ in range(abs(working_days)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day

    def moment(self, day: date, clock: time) -> datetime:
        """The UTC moment of this local day and time of day; a time that the clock change skips moves past the gap."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def local(self, moment: datetime) -> datetime:
        """The moment on the council's own clocks."""
        return moment.astimezone(self.zone)

    def day_of(self, moment: datetime) -> date:
        return self.local(moment).date()

    def is_quiet(self, moment: datetime) -> bool:
        """Whether nudges rest at this moment: outside working hours or on a day off (P6)."""
        local = self.local(moment)
        return not (self.is_working_day(local.date()) and self.opens <= local.time() < self.closes)

    def next_waking(self, moment: datetime) -> datetime:
        """This moment, or the end of the quiet hours that it falls in."""
        if not self.is_quiet(moment):
            return moment
        local = self.local(moment)
        day = local.date()
        if local.time() >= self.opens:
            day += timedelta(days=1)
        return self.moment(self.on_or_after(day), self.opens)
