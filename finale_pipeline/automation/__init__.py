"""When things run: jobs, schedules, sensors."""
