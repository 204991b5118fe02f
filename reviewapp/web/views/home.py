"""Home: what the person's role needs to see first."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from reviewapp.selectors import home as selectors
from reviewapp.selectors import people_at_work
from reviewapp.web.figures import Figure, figure, span
from reviewapp.web.needs import need_row
from reviewapp.web.permissions import EDITORS, MANAGERS, REVIEWERS, SENIORS, role_required, roles_of, user_has_role


def _flow_figures(flow: selectors.Flow) -> list[Figure]:
    escape = flow.escape
    turnaround, unit = span(flow.median_turnaround)
    rate = f"{escape.rate * 100:.1f}" if escape.rate is not None else "–"
    interval = (
        f"95% CI {escape.low * 100:.1f} to {escape.high * 100:.1f}" if escape.judged else _("No sample judged yet")
    )
    share = f"{flow.auto_share * 100:.1f}" if flow.auto_share is not None else "–"
    waiting = _("%(n)s more with editors") % {"n": f"{flow.waiting_editing:,}"}
    return [
        figure(
            _("Scored today"),
            f"{flow.scored_today:,}",
            "",
            _("%(n)s in the last hour") % {"n": f"{flow.scored_last_hour:,}"},
        ),
        figure(
            _("Passed without review"), share, "%" if flow.auto_share is not None else "", _("Of those scored today")
        ),
        figure(_("Waiting for review"), f"{flow.waiting_review:,}", "", waiting),
        figure(_("Escape rate"), rate, "%" if escape.rate is not None else "", f"{interval}, n {escape.judged:,}"),
        figure(_("Median turnaround"), turnaround, unit, _("Upload to last decision, 7 days")),
    ]


def _desk_figures(user: User, desk: selectors.Desk) -> list[Figure]:
    figures = []
    if user_has_role(user, *REVIEWERS):
        figures.append(figure(_("Waiting for review"), f"{desk.waiting_review:,}", "", _("In the mixed queue")))
        figures.append(figure(_("Decided today"), f"{desk.decided_today:,}", "", _("By you")))
    if user_has_role(user, *EDITORS):
        figures.append(figure(_("Open edits"), f"{desk.open_edits:,}", "", _("Free to claim")))
        figures.append(figure(_("On your desk"), f"{desk.my_edits:,}", "", _("Claimed, or being scored again")))
    if user_has_role(user, *SENIORS):
        figures.append(figure(_("To sign off"), f"{desk.waiting_signoff:,}", "", _("Finished by others")))
    return figures


@require_safe
@role_required()
def home(request: HttpRequest) -> HttpResponse:
    """One page, its sections by role; a reviewer sees only their queue and their own figures."""
    user = request.user
    assert isinstance(user, User)
    needs = [need_row(need) for need in selectors.needs(user, roles_of(user))]
    context: dict[str, Any] = {"active": "home", "now": timezone.localtime(), "needs": needs}
    if user_has_role(user, *MANAGERS):
        context |= {
            "figures": _flow_figures(selectors.flow(user)),
            "today": selectors.today(user),
            "rows": selectors.active_batches(user),
            "strip": selectors.just_delivered(user),
            "pace": selectors.pace(user),
            "team": people_at_work.reviewing_now(user),
        }
        return render(request, "home/overview.html", context)
    desk = selectors.desk(user)
    context |= {"figures": _desk_figures(user, desk), "desk": desk}
    return render(request, "home/desk.html", context)
