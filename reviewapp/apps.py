"""The one Django app."""

from django.apps import AppConfig


class ReviewAppConfig(AppConfig):
    """Registers models, checks and templates."""

    name = "reviewapp"
    label = "reviewapp"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Softproof"

    def ready(self) -> None:
        """Register the system checks."""
        from reviewapp import checks  # noqa: F401  importing registers them; no receiver of signals is connected here
