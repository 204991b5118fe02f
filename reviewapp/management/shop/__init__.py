"""A shop in fast motion: the real database, services and tasks, real small photos, and people whose eyes are scripted.

`manage.py simulate_shop` tells a month of it (story.py). What is invented: the photos (pictures.py), what people see in
them (eyes.py) and the calendar (calendar.py). Everything else is the application itself.
"""
