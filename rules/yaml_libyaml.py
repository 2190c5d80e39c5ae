"""What libyaml says of text that is not YAML, word for word, so that it can be translated."""

from rules.wording import Message, worded

# The texts of libyaml's scanner and parser that people meet; others are told as they are.
_SAID = (
    worded("could not find expected ':'"),
    worded("did not find expected key"),
    worded("did not find expected '-' indicator"),
    worded("did not find expected ',' or ']'"),
    worded("did not find expected ',' or '}'"),
    worded("did not find expected node content"),
    worded("did not find expected <document start>"),
    worded("did not find expected comment or line break"),
    worded("did not find expected alphabetic or numeric character"),
    worded("did not find expected hexdecimal number"),
    worded("mapping values are not allowed in this context"),
    worded("block sequence entries are not allowed in this context"),
    worded("block mapping entries are not allowed in this context"),
    worded("found character that cannot start any token"),
    worded("found a tab character that violates indentation"),
    worded("found a tab character where an indentation space is expected"),
    worded("found unexpected end of stream"),
    worded("found unexpected document indicator"),
    worded("found unknown escape character"),
    worded("found unknown directive name"),
    worded("found undefined tag handle"),
    worded("control characters are not allowed"),
)
_WHILE = (
    worded("while parsing a block mapping"),
    worded("while parsing a block collection"),
    worded("while parsing a flow mapping"),
    worded("while parsing a flow sequence"),
    worded("while parsing a flow node"),
    worded("while parsing a block node"),
    worded("while parsing a node"),
    worded("while scanning a simple key"),
    worded("while scanning a quoted scalar"),
    worded("while scanning a plain scalar"),
    worded("while scanning a block scalar"),
    worded("while scanning for the next token"),
    worded("while scanning an alias"),
    worded("while scanning an anchor"),
    worded("while scanning a directive"),
    worded("while scanning a tag"),
    worded("while parsing a double-quoted scalar"),
)
_KNOWN = {str(each): each for each in (*_SAID, *_WHILE)}


def said_by_libyaml(problem: str | None, context: str | None) -> Message:
    """Its problem and where it was met; empty when it tells neither."""
    parts = [_KNOWN.get(each, Message(each)) for each in (problem, context) if each]
    if len(parts) < 2:
        return parts[0] if parts else Message("")
    return worded("%(problem)s %(context)s", problem=parts[0], context=parts[1])
