"""Every URL of the site."""

from django.contrib import admin
from django.urls import include, path

from reviewapp.web.views import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("ops/", admin.site.urls),
    path("", include("reviewapp.web.urls")),
]

handler400 = "reviewapp.web.views.errors.bad_request"
handler403 = "reviewapp.web.views.errors.forbidden"
handler404 = "reviewapp.web.views.errors.not_found"
handler500 = "reviewapp.web.views.errors.server_error"
