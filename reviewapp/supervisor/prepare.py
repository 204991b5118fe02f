"""What must be true before anything starts: schema, static files, roles, and in demo mode the demo accounts.

Runs as its own process, so the supervisor itself stays small: `python -m reviewapp.supervisor.prepare`.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection


def main() -> int:
    """Prepare; 0 when everything is in place. Prints the demo accounts' passwords once, on the first start."""
    try:
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
    except ImproperlyConfigured as error:
        print(f"Settings: {error}", file=sys.stderr)
        return 2
    except DatabaseError as error:  # away, not ours, or not a database at all
        where = settings.DATABASES["default"]
        print(f"The database {where.get('HOST') or where['NAME']} can't be used: {error}", file=sys.stderr)
        return 2
    # htmx extensions we do not use import modules that are not in the package, which the hashing of names refuses.
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=["ext"])
    call_command("seed_demo", "--roles")
    if settings.DEMO:
        call_command("seed_demo", "--accounts")
    else:
        from django.contrib.auth.models import User  # models exist only after setup

        if not User.objects.exists():
            print("No accounts yet. Make the first administrator: .venv/bin/python manage.py createsuperuser")
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
