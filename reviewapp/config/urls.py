"""Every URL of the site."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from reviewapp.web.views import errors, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("ops/", admin.site.urls),
    path("", include("reviewapp.web.urls")),
    *static(settings.STATIC_URL, document_root=settings.BASE_DIR / "static"),
]

handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
