"""Processing runs: what one attempt with one preset version made of a photo."""

from django.db import models

from reviewapp.enums import RunKind


class ProcessingRun(models.Model):
    """Artefacts are content-addressed keys in storage; the cut-out is made once and feeds every channel (PRO-46).

    The cut-out is the file `pixels_key` (the original, or what an editor handed in), its matte `alpha_key` and the
    `recipe` of processing.cutout; "" as matte means the file's own transparency.
    """

    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="runs")
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="runs")
    channel = models.ForeignKey(
        "Channel", on_delete=models.PROTECT, related_name="runs", help_text="Framed and scored for."
    )
    pipeline_version = models.CharField(max_length=20)
    attempt = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=RunKind.choices, default=RunKind.AUTOMATED)
    params_digest = models.CharField(max_length=64)
    params = models.JSONField()
    remover = models.CharField(max_length=40)
    model_name = models.CharField(max_length=80, blank=True)
    model_sha256 = models.CharField(max_length=64, blank=True)
    confidence = models.FloatField(default=0.0)
    pixels_key = models.CharField(max_length=200)
    alpha_key = models.CharField(max_length=200, blank=True)
    recipe = models.JSONField(default=dict)
    after_key = models.CharField(max_length=200)
    after_type = models.CharField(max_length=40, default="image/webp", help_text="Content type of `after`.")
    after_format = models.CharField(max_length=8, blank=True, help_text="Of the delivered file; empty = a lookalike.")
    after_bytes = models.PositiveIntegerField(default=0, help_text="Size of the delivered file; 0 = there is none.")
    after_is_file = models.BooleanField(default=False, help_text="`after` is the delivered file itself.")
    after_note = models.CharField(max_length=300, blank=True)
    matte_key = models.CharField(max_length=200, blank=True, help_text="The matte in the pixel grid of `after`.")
    scored_width = models.PositiveIntegerField(default=0, help_text="Of the frame that was scored; 0 = as `after`.")
    scored_height = models.PositiveIntegerField(default=0)
    scored_matrix = models.JSONField(default=list, help_text="[a,b,c,d,e,f]: scored frame to `after`; [] = the same.")
    before_key = models.CharField(max_length=200)
    thumb_before_key = models.CharField(max_length=200)
    thumb_after_key = models.CharField(max_length=200)
    frame_matrix = models.JSONField(help_text="[a,b,c,d,e,f]: source pixels to `after` pixels.")
    before_scale = models.FloatField(default=1.0)
    source_width = models.PositiveIntegerField()
    source_height = models.PositiveIntegerField()
    after_width = models.PositiveIntegerField()
    after_height = models.PositiveIntegerField()
    timings = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    look = models.JSONField(
        null=True, blank=True, help_text="processing.types.Look of the scored frame; null = not measured."
    )
    worker = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "preset_version", "pipeline_version", "attempt"], name="run_once_per_attempt"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of asset {self.asset_id}"


class ChannelView(models.Model):
    """What a further channel of the batch gets of a run, made when somebody looked at it. Never rewritten."""

    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="views")
    channel = models.ForeignKey("Channel", on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    matte_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=40)
    format = models.CharField(max_length=8)
    byte_size = models.PositiveIntegerField(help_text="Of the delivered file.")
    is_file = models.BooleanField()
    note = models.CharField(max_length=300, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frame_matrix = models.JSONField(help_text="[a,b,c,d,e,f]: source pixels to its pixels.")
    made_on = models.DateField(help_text="Dated rules of the channel as of this day.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "channel", "made_on"], name="one_view_per_day")]

    def __str__(self) -> str:
        return f"run {self.run_id} for channel {self.channel_id}"
