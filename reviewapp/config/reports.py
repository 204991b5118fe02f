"""What Django's debug page leaves out: also addresses that hold a password (SEC-08)."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class DiscreetFilter(SafeExceptionReporterFilter):
    """Django's own hides PASSWORD, SECRET, TOKEN, KEY and the like by name."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|RQ_QUEUES|OIDC|PROVIDERS", flags=re.I
    )
