"""The figures of one batch: a part of its page, asked for once the page is there (QC-30, QC-32)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from reviewapp.selectors.batch_figures import BatchFigures, batch_figures
from reviewapp.web.figures import Figure, figure, floored, share, span
from reviewapp.web.htmx import part_page
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch


def _strip(found: BatchFigures) -> list[Figure]:
    escape, spread = found.escape, found.spread
    looked = _("No blind sample judged yet")
    if escape.judged:
        looked = _("Fine of %(n)s looked at blind, 95%% interval %(low)s to %(high)s%%") % {
            "n": f"{escape.judged:,}",
            "low": floored((1 - escape.high) * 100),
            "high": floored((1 - escape.low) * 100),
        }
    files = {"verified": f"{found.verified:,}", "made": f"{found.made:,}"}
    line = _("Each by the line it was scored under")
    if len(spread.policies) == 1:
        line = _("At %(line)s points or more") % {"line": f"{found.chart.current.approve_at:g}"}
    return [
        figure(_("Accuracy"), *share(found.accuracy), looked),
        figure(
            _("Compliance"),
            *share(found.compliance),
            _("%(verified)s of %(made)s files verified") % files if found.made else _("No channel file made yet"),
        ),
        figure(_("Turnaround"), *span(found.took), _("First file to ready") if found.is_done else _("So far")),
        figure(
            _("Mean score"),
            "–" if spread.mean is None else floored(spread.mean),
            "",
            _("Of %(n)s scored photos") % {"n": f"{spread.scored:,}"},
        ),
        figure(_("Pass rate"), *share(found.pass_rate), line if spread.scored else _("Nothing scored yet")),
    ]


@role_required(*MANAGERS)
@require_GET
def figures(request: HttpRequest, pk: int) -> HttpResponse:
    """Accuracy, compliance and turnaround side by side, and the scores as bars; asked again whenever a count moves."""
    batch = their_batch(request, pk)
    found = batch_figures(batch)
    context = {"found": found, "figures": _strip(found)}
    return part_page(request, batch, _("Figures"), "batches/_figures.html", context)
