"""Contractors: a job by a link, from the offer to the proof that it is done."""

from workflows.tickets.contractors.coming import (
    Spot,
    accept,
    arrive,
    decline,
    did_it,
    find_link,
    finish,
    is_needed,
    job_of,
    pass_on_late,
    spots_of,
)
from workflows.tickets.contractors.model import CONTRACTOR_LINK, LIVE, ContractorLink
from workflows.tickets.contractors.offering import (
    Contact,
    Job,
    find_offer,
    follow,
    list_offers,
    live_links,
    offer,
    revoke_offer,
)

__all__ = [
    "CONTRACTOR_LINK",
    "LIVE",
    "Contact",
    "ContractorLink",
    "Job",
    "Spot",
    "accept",
    "arrive",
    "decline",
    "did_it",
    "find_link",
    "find_offer",
    "finish",
    "follow",
    "is_needed",
    "job_of",
    "list_offers",
    "live_links",
    "offer",
    "pass_on_late",
    "revoke_offer",
    "spots_of",
]
