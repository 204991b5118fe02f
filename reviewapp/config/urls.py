"""Every URL of the site."""

from django.contrib import admin
from django.urls import include, path

from reviewapp.web.views import auth, csp, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("csp-report/", csp.report, name="csp_report"),
    path("ops/login/", auth.to_sign_in),  # one door: throttled, with its second factor
    path("ops/", admin.site.urls),
    path("", include("reviewapp.web.urls")),
]

handler400 = "reviewapp.web.views.errors.bad_request"
handler403 = "reviewapp.web.views.errors.forbidden"
handler404 = "reviewapp.web.views.errors.not_found"
handler500 = "reviewapp.web.views.errors.server_error"
