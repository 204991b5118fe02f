"""The WSGI entry point gunicorn loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.config.settings")

application = get_wsgi_application()

from reviewapp.services import afterwards  # noqa: E402 (models exist only now)

afterwards.in_background()
