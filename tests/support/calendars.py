"""When Prefect's scheduler plans runs of the year 2026 in Berlin."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as Planner

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = 2026


def planned(cron: str = "30 2 * * *") -> list[datetime]:
    """The times of all runs of the year, in UTC."""
    found = CronSchedule(cron=cron, timezone="Europe/Berlin")
    schedule = Planner(cron=found.cron, timezone=found.timezone)
    begin = datetime(YEAR, 1, 1, tzinfo=BERLIN)

    async def dates() -> list[datetime]:
        return await schedule.get_dates(366, begin, begin.replace(year=YEAR + 1))

    return [datetime.fromtimestamp(each.timestamp(), UTC) for each in asyncio.run(dates())]
