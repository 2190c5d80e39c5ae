"""Rounds: routes through checkpoints, plans of when they are gone, and how each round went."""

from workflows.patrol.rounds.acting import begin_round, cancel_round, excuse_point, find_round
from workflows.patrol.rounds.closing import (
    look_at,
    look_later,
    rounds_to_look_at,
    wait_after_absence,
)
from workflows.patrol.rounds.contact import note_contact
from workflows.patrol.rounds.coverage import (
    coverage,
    note_coverage,
    proposed_times,
    routes_under_statutes,
)
from workflows.patrol.rounds.expecting import times_of_route
from workflows.patrol.rounds.figures import (
    PatrolFigures,
    RoundSums,
    SiteFigures,
    Visits,
    patrol_figures,
    sites_of,
)
from workflows.patrol.rounds.finding import find_routes
from workflows.patrol.rounds.joining import join_scans
from workflows.patrol.rounds.learning import keep_ways, learn_ways, sites_with_rounds
from workflows.patrol.rounds.live import rounds_now
from workflows.patrol.rounds.making import make_rounds, plans_to_make
from workflows.patrol.rounds.model import (
    DRAWN,
    EVERYWHERE,
    OPEN,
    ORDERS,
    POINT_STATES,
    PatrolContact,
    Round,
    RoundPlan,
    RoundPoint,
    Route,
    RoutePoint,
)
from workflows.patrol.rounds.plans import (
    EVERY_DAY,
    USUAL_SETTLE_MIN,
    USUAL_TOLERANCE_MIN,
    PlanDraft,
    UnderStatute,
    change_plan,
    create_plan,
    describe_plan,
    find_plan,
    list_plans,
    move_plan,
)
from workflows.patrol.rounds.reading import KEY, STATES, RoundFilter, describe_round, list_rounds
from workflows.patrol.rounds.routes import (
    RouteDraft,
    Stop,
    change_route,
    create_route,
    describe_route,
    find_route,
    list_routes,
    move_route,
    points_of,
    remake_rounds_at,
)
from workflows.patrol.rounds.times import starts_of

__all__ = [
    "DRAWN",
    "EVERYWHERE",
    "EVERY_DAY",
    "KEY",
    "OPEN",
    "ORDERS",
    "POINT_STATES",
    "STATES",
    "USUAL_SETTLE_MIN",
    "USUAL_TOLERANCE_MIN",
    "PatrolContact",
    "PatrolFigures",
    "PlanDraft",
    "Round",
    "RoundFilter",
    "RoundPlan",
    "RoundPoint",
    "RoundSums",
    "Route",
    "RouteDraft",
    "RoutePoint",
    "SiteFigures",
    "Stop",
    "UnderStatute",
    "Visits",
    "begin_round",
    "cancel_round",
    "change_plan",
    "change_route",
    "coverage",
    "create_plan",
    "create_route",
    "describe_plan",
    "describe_round",
    "describe_route",
    "excuse_point",
    "find_plan",
    "find_round",
    "find_route",
    "find_routes",
    "join_scans",
    "keep_ways",
    "learn_ways",
    "list_plans",
    "list_rounds",
    "list_routes",
    "look_at",
    "look_later",
    "make_rounds",
    "move_plan",
    "move_route",
    "note_contact",
    "note_coverage",
    "patrol_figures",
    "plans_to_make",
    "points_of",
    "proposed_times",
    "remake_rounds_at",
    "rounds_now",
    "rounds_to_look_at",
    "routes_under_statutes",
    "sites_of",
    "sites_with_rounds",
    "starts_of",
    "times_of_route",
    "wait_after_absence",
]
