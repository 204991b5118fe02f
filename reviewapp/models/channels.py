"""Channels as rows (seeded from processing/channels.toml) and the files rendered for them."""

from __future__ import annotations

from django.db import models

from reviewapp.enums import RenditionState

from .presets import ImmutableModel


class Channel(ImmutableModel):
    """One version of a marketplace's image rules (`ChannelSpec.to_dict()`). The highest version is offered."""

    key = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    spec = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key", "-version"]
        constraints = [models.UniqueConstraint(fields=["key", "version"], name="channel_key_version")]

    def __str__(self) -> str:
        return self.name


class Rendition(models.Model):
    """One photo encoded for one channel and verified on its encoded bytes. Collapses races: unique run, channel, part.

    `part` tells several files of one picture apart ("thumbnail", "large-jpeg"); "" where the channel makes one.
    """

    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="renditions")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="renditions")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="renditions")
    part = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=RenditionState.choices)
    filename = models.CharField(max_length=255, blank=True)
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    byte_size = models.PositiveBigIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    content_type = models.CharField(max_length=60, blank=True)
    checks = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    alt_text = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["asset", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["run", "channel", "part"], name="rendition_run_channel_part"),
            models.CheckConstraint(
                condition=~models.Q(state="verified") | (~models.Q(sha256="") & ~models.Q(storage_key="")),
                name="verified_rendition_has_file",
            ),
        ]
