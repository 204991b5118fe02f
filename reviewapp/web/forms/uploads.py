"""The plain upload form: many files, an optional sheet, no script needed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from processing.errors import InputRejected
from reviewapp.services import ingest
from reviewapp.web.forms.widgets import HouseForm

MAX_FILE_BYTES = 400 * 1024**2
"""Past the line's own 50 MB a file is read to its end only to be named in the batch; past this it isn't read."""
MAX_FORM_BYTES = 8 * 1024**3


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Cleans to a list of uploads."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        """Clean each upload as a file of its own; an empty file stays in, so that it gets a line that says so."""
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if not given:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [super(ManyFilesField, self).clean(one, initial) for one in given]


class PlainUpload(HouseForm):
    """Photos or ZIPs, and the sheet. `rows` holds the sheet's rows after validation."""

    photos = ManyFilesField(
        label=_("Photos or a ZIP"),
        allow_empty_file=True,
        error_messages={"required": _("Choose at least one photo or a ZIP.")},
        widget=ManyFiles(attrs={"class": "in file-in", "accept": ".jpg,.jpeg,.png,.webp,.tif,.tiff,.zip"}),
    )
    csv = forms.FileField(
        label=_("CSV, if there is one"),
        required=False,
        help_text=_("One line per photo: file, and any of sku, asin, category, shoot_group, description, inside."),
        widget=forms.ClearableFileInput(attrs={"class": "in file-in", "accept": ".csv,.txt,.tsv"}),
    )

    def clean(self) -> dict[str, Any]:
        """Read the sheet; what is wrong with it is said at its field, and no photo is taken before it is right."""
        cleaned = super().clean() or {}
        cleaned["rows"] = {}
        sheet = cleaned.get("csv")
        if sheet is None:
            return cleaned
        if sheet.size > ingest.MAX_SHEET_BYTES:
            self.add_error("csv", _("The CSV is larger than 20 MB. Split the batch."))
            return cleaned
        try:
            cleaned["rows"] = ingest.read_csv_bytes(sheet.read())
        except InputRejected as error:
            self.add_error("csv", str(error))
        return cleaned
