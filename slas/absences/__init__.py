"""Who is away: their own page, feeds of calendars, and what an absence moves."""
