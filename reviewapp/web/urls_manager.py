"""URLs of the manager's and admin's screens: batches, uploads, deliveries, quality, presets, proposals, people, audit."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
