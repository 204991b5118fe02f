"""Loaded by pytest before anything else (`-p tests.environment`): the tests' own data folder, never the developer's."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_FOLDER = tempfile.mkdtemp(prefix="softproof-tests-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

os.environ["SOFTPROOF_DATA"] = _FOLDER
os.environ["DJANGO_SETTINGS_MODULE"] = "reviewapp.config.settings"
# Playwright's synchronous interface keeps an event loop in the thread, and Django's guard takes that for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
os.environ["OMP_NUM_THREADS"] = "1"
# Most tests deliver to look at what is in the package; those of the grace period set one.
os.environ["DELIVERY_GRACE_MIN"] = "0"
for _name in (
    "REDIS_URL",
    "STORAGE_URL",
    "MODEL_DIR",
    "DEBUG",
    "HTTPS",
    "DEMO",
    "EMAIL_URL",
    "WEBHOOKS_TO_PRIVATE",
    "SECOND_FACTOR",
    "SOFTPROOF_FACTOR_KEYS",
    "OIDC_ISSUER",
    "OIDC_CLIENT_SECRET",
    "SOFTPROOF_AUDIT_KEYS",
    "SOFTPROOF_AUDIT_ANCHOR",
):
    os.environ.pop(_name, None)
if not os.environ.get("SOFTPROOF_TEST_DATABASE"):
    os.environ.pop("DATABASE_URL", None)
else:
    os.environ["DATABASE_URL"] = os.environ["SOFTPROOF_TEST_DATABASE"]
