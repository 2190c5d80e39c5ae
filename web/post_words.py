"""The words of posts: how somebody came and left, their orders, and what a scan there did."""

from collections.abc import Mapping

from web.languages import mark

POST_WAY: Mapping[str, str] = {
    "scan": mark("by a scan"),
    "card": mark("by a card that a supervisor read in"),
    "supervisor": mark("put down by a supervisor"),
    "self": mark("by themselves"),
    "forgotten": mark("nobody said so"),
}
ORDERS_STATE: Mapping[str, str] = {
    "draft": mark("Draft"),
    "published": mark("In force"),
    "replaced": mark("Replaced"),
}
SCAN_POST: Mapping[str, str] = {
    "came": mark("With this scan they came to their post."),
    "left": mark("With this scan they left their post."),
    "other_post": mark("They were at another post, so nobody came to this one."),
    "not_of_team": mark("They are not of the team of this post, so nobody came to it."),
}
POST_WORDS: Mapping[str, Mapping[str, str]] = {
    "post_way": POST_WAY,
    "orders_state": ORDERS_STATE,
    "scan_post": SCAN_POST,
}
