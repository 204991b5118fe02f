"""Forms of the presets and proposals pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewapp.web.forms.widgets import Area, HouseForm

MAX_YAML_BYTES = 64 * 1024


class ImportForm(HouseForm):
    """A preset file. `text` holds its content after validation."""

    file = forms.FileField(
        label=_("Preset file"),
        help_text=_("YAML, as Export writes it."),
        widget=forms.ClearableFileInput(attrs={"class": "in file-in", "accept": ".yaml,.yml"}),
    )

    def clean(self) -> dict[str, Any]:
        """Read the file as UTF-8 text of at most 64 KB."""
        cleaned = super().clean() or {}
        upload = cleaned.get("file")
        if upload is None:
            return cleaned
        if upload.size > MAX_YAML_BYTES:
            self.add_error("file", _("The file is larger than 64 KB; a preset has about 2."))
            return cleaned
        try:
            cleaned["text"] = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", _("The file is no UTF-8 text. Export writes such a file."))
        return cleaned


class NoteForm(HouseForm):
    """A sentence with a decision."""

    note = forms.CharField(label=_("Note"), max_length=400, required=False, widget=Area())
