"""What ``--save`` keeps between runs, through :mod:`circumvent.state`. Without it nothing is read or written here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from circumvent.cli import terminal
from circumvent.model.kinds import is_satellite

if TYPE_CHECKING:
    from circumvent.check.plan import Plan
    from circumvent.model.report import Report


def id_key() -> bytes | None:
    """Return the key of ids, made and kept when there is none."""
    from circumvent.state import State  # noqa: PLC0415 - most runs keep nothing

    state = State()
    try:
        return state.id_key(create=True)
    except OSError as exc:
        terminal.tell(f"--save: nothing can be kept in {state.folder} ({exc.strerror or 'error'}).")
        return None
    finally:
        for note in state.notes:
            terminal.tell(note)


def load_chain(plan: Plan) -> None:
    """Give the plan the DNSSEC root keys of the last run. They are proved again; bad ones are left out."""
    from circumvent.state import State  # noqa: PLC0415 - as above

    chain = State().dnssec_chain()
    if chain and plan.root_keys is not None:
        plan.root_keys.load(chain, time.time())


def keep(report: Report, plan: Plan) -> None:
    """Keep the last verdict of each option on this network, and the DNSSEC root keys."""
    from circumvent.state import State  # noqa: PLC0415 - as above

    # That somebody has a satellite terminal is never written down: having one is punished in places.
    told = [option for option in report.options if not option.baseline and not is_satellite(option.kind)]
    verdicts = {option.id: option.status.value for option in told}
    # Nor what came over one: kept verdicts carry a name that only who knows the line can make.
    over_terminal = any(link.default and link.terminals for link in report.links)
    state = State()
    try:
        if not over_terminal:
            state.keep_verdicts(network_name(plan), verdicts)
        if plan.root_keys is not None and (chain := plan.root_keys.save()):
            state.keep_dnssec_chain(chain)
    except OSError as exc:
        terminal.tell(f"--save: the verdicts can't be kept ({exc.strerror or 'error'}).")


def network_name(plan: Plan) -> str:
    """Return what tells networks apart; only a keyed hash of it is kept."""
    return "|".join([plan.interface or "", *plan.line.gateways, plan.resolver_shown or ""])
