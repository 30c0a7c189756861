"""Who is told when something needs a person: one alert for each cause, by rules as data."""
