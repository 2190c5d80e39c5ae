"""The order in which a tag is given address and keys, so that it can be left off at any step.

The tag opens to its old key 0 until the server has judged a tap that was signed with the new
keys. Whatever is interrupted before or after that, giving it keys once more (`re-key`) finds out
which it holds: the server tells every version that counts no more.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.errors import Conflict, NotFound, WatchkeeperError
from watchkeeper.tags.address import address_in, writing
from watchkeeper.tags.server import Given
from watchkeeper.tags.tag import FACTORY_KEY, Ntag424, OtherTag, TagError, WrongKey

APPLICATION, META_READ, FILE_READ = 0, 1, 2
FACTORY_VERSION = 0
Say = Callable[[str], None]


class Server(Protocol):
    """What is asked of the server."""

    def of_tag(self, uid: bytes) -> Mapping[str, object] | None:
        """The token that a tag is, active or lost."""

    def put(self, checkpoint_id: str, uid: bytes, label: str) -> Given:
        """Put a tag at a checkpoint."""

    def replace(self, token_id: str, uid: bytes) -> Given:
        """Give a tag keys of the next version."""

    def prove(self, token_id: str, address: str) -> int:
        """Let the server judge a tap."""

    def lose(self, token_id: str) -> None:
        """Take a token out of use."""


class NoKeyFits(TagError):
    """The tag holds a key that neither its maker nor this company gave it."""


class Unfinished(TagError):
    """The server knows of the tag, and the tag does not hold its keys yet."""


def provision(tag: Ntag424, server: Server, checkpoint_id: str, label: str, say: Say) -> Given:
    """Put the tag on the reader at a checkpoint and give it its keys.

    Raises Conflict when it stands at one already, OtherTag for another chip, TagError when
    nothing was begun, and Unfinished when `re_key` must end it.
    """
    uid = _begin(tag, say)
    standing = server.of_tag(uid)
    if standing is not None:
        raise Conflict(
            f"this tag stands at a checkpoint already, and is {standing['state']} there",
            advice="Give it new keys with `watchkeeper tags re-key`, or replace it there first.",
        )
    given = server.put(checkpoint_id, uid, label)
    try:
        return _give(tag, server, uid, given, say)
    except NoKeyFits:
        # Nothing stands there then, so that the checkpoint doesn't wait for it.
        server.lose(given.token_id)
        raise


def re_key(tag: Ntag424, server: Server, say: Say) -> Given:
    """Give the tag on the reader keys of the next version, at the checkpoint where it stands.

    For a tag whose keys somebody may know, one that was lost and found, and one whose set-up was
    interrupted. Raises NotFound when it stands nowhere, else as `provision`.
    """
    uid = _begin(tag, say)
    standing = server.of_tag(uid)
    if standing is None:
        raise NotFound(
            "this tag stands at no checkpoint where you may set tags up",
            advice="Put it at one with `watchkeeper tags provision`.",
        )
    return _give(tag, server, uid, server.replace(str(standing["id"]), uid), say)


def _begin(tag: Ntag424, say: Say) -> bytes:
    tag.select()
    uid = tag.identify()
    say(f"NTAG 424 DNA {uid.hex().upper()}")
    return uid


def _give(tag: Ntag424, server: Server, uid: bytes, given: Given, say: Say) -> Given:
    try:
        _write(tag, server, uid, given, say)
    except NoKeyFits:
        raise
    except (TagError, WatchkeeperError) as error:
        raise Unfinished(str(error)) from error
    return given


def _write(tag: Ntag424, server: Server, uid: bytes, given: Given, say: Say) -> None:
    applications = {each.version: each.application for each in given.earlier}
    signing = {each.version: each.file_read for each in given.earlier}
    application = _held(tag, APPLICATION, {FACTORY_VERSION: FACTORY_KEY, **applications})
    # That one is the same in every version.
    common = {FACTORY_VERSION: FACTORY_KEY, given.version: given.meta_read}
    meta_read = _held(tag, META_READ, common)
    file_read = _held(tag, FILE_READ, {FACTORY_VERSION: FACTORY_KEY, **signing})
    tag.authenticate(APPLICATION, application)
    if tag.card_uid() != uid:
        raise OtherTag("another tag came to the reader meanwhile")
    settings = tag.file_settings()
    new = writing(given.address, settings.size)
    tag.write(new.content, settings.write_mode)
    say("Address written.")
    version = given.version & 0xFF
    tag.change_key(META_READ, given.meta_read, meta_read, version)
    tag.change_key(FILE_READ, given.file_read, file_read, version)
    tag.change_file_settings(new.settings)
    say("Keys 1 and 2 and the mirrors set.")
    tag.select()
    counter = server.prove(given.token_id, address_in(tag.read(len(new.content))))
    say(f"Proven by tap {counter}.")
    tag.authenticate(APPLICATION, application)
    tag.change_key(APPLICATION, given.application, application, version)
    tag.select()
    tag.authenticate(APPLICATION, given.application)
    say(f"Key 0 set; the keys are of version {given.version}.")


def _held(tag: Ntag424, number: int, candidates: Mapping[int, bytes]) -> bytes:
    """The key that a tag holds. candidates: by version; its own note says with which to begin.

    Raises NoKeyFits when it is none of them.
    """
    tag.select()
    noted = tag.key_version(number)
    in_order = sorted(
        candidates, key=lambda version: (version & 0xFF != noted, version == FACTORY_VERSION)
    )
    for version in in_order:
        try:
            tag.authenticate(number, candidates[version])
        except WrongKey:
            continue
        return candidates[version]
    raise NoKeyFits(
        f"key {number} of this tag is neither its maker's nor one that it was given here"
    )
