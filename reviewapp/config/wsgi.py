"""The WSGI entry point gunicorn loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.config.settings")

application = get_wsgi_application()

# Models exist only now. All pages are imported, and what one of them loads late, so that nobody's first visit waits.
from scipy import optimize  # noqa: E402, F401

from reviewapp.config import urls  # noqa: E402, F401
from reviewapp.services import afterwards  # noqa: E402

afterwards.in_background()

# What is loaded now stays: without this every full collection walks all of it, a pause of a tenth of a second.
gc.collect()
gc.freeze()
