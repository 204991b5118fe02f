"""What became of a list, in words: said on the upload page and in its JSON."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp.services.ingest import Standing


def sheet_words(found: Standing) -> str:
    """Rows read, rows that took hold, and the files the list names that aren't here; "" for a batch without a list."""
    if not found.rows:
        return ""
    read = ngettext("%(n)s row read", "%(n)s rows read", found.rows) % {"n": f"{found.rows:,}"}
    words = [_("%(read)s, %(n)s applied to photos.") % {"read": read, "n": f"{found.applied:,}"}]
    if found.kept:
        kept = ngettext(
            "%(n)s changed nothing: its photo's files are made, or it is the same picture twice.",
            "%(n)s changed nothing: their photos' files are made, or they are the same picture twice.",
            found.kept,
        )
        words.append(kept % {"n": f"{found.kept:,}"})
    if found.unmatched:
        names = ", ".join(found.names)
        if found.unnamed:
            names = _("%(names)s and %(n)s more") % {"names": names, "n": f"{found.unnamed:,}"}
        words.append(_("No photo here yet for %(names)s.") % {"names": names})
    return " ".join(words)
