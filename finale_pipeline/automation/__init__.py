"""What starts by itself, and what people start whole: jobs, schedules, sensors."""
